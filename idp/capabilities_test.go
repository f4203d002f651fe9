package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/config"
	"signet/idp/internal/wellknown"
)

// Initiating User Registration, section 4.2: a client that sends people to
// sign up must find them a page where they can.
func TestSignUpIsAdvertisedWhereItIsOpen(t *testing.T) {
	for registration, want := range map[config.Registration]bool{config.RegistrationOpen: true, config.RegistrationInvitation: true, config.RegistrationClosed: false} {
		metadata, err := wellknown.NewMetadata(capabilities(config.Config{Registration: registration}))
		if err != nil {
			t.Fatal(err)
		}
		answer := httptest.NewRecorder()
		if err := metadata.Get(echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), answer)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(answer.Body.String(), `"create"`); got != want {
			t.Errorf("%s: %s", registration, answer.Body)
		}
	}
}
