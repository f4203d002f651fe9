package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/data/kv"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/signin"
	"signet/idp/internal/wire"
	"signet/keys"
)

func TestEveryErrorOfAServiceHasItsAnswer(t *testing.T) {
	const inner = "secret detail"
	cases := []struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		{wire.Field("email", "it is missing"), 400, "invalid_request", ""},
		{grant.ErrMalformed, 401, "invalid_grant", ""},
		{grant.ErrUnknown, 401, "invalid_grant", ""},
		{grant.ErrExpired, 401, "invalid_grant", ""},
		{grant.ErrEnded, 401, "invalid_grant", ""},
		{grant.ErrReused, 401, "invalid_grant", ""},
		{signin.ErrWrongPassword, 401, "invalid_grant", ""},
		{&signin.ThrottledError{RetryAfter: 1500 * time.Millisecond}, 429, "too_many_requests", "2"},
		{&signin.BusyError{RetryAfter: time.Second}, 503, "temporarily_unavailable", "1"},
		{&signin.FieldError{Field: "password", Problem: "is too short"}, 400, "invalid_request", ""},
		{signin.ErrRegistrationClosed, 403, "access_denied", ""},
		{data.ErrEmailTaken, 409, "email_taken", ""},
		{data.ErrNoInvitation, 400, "invalid_request", ""},
		{mint.ErrAudience, 400, "invalid_target", ""},
		{keys.ErrLease, 503, "temporarily_unavailable", "1"},
		{kv.ErrBusy, 503, "temporarily_unavailable", "1"},
		{kv.ErrNoSpace, 503, "temporarily_unavailable", "10"},
		{kv.ErrReadOnly, 503, "temporarily_unavailable", "10"},
		{kv.ErrFailed, 503, "temporarily_unavailable", "10"},
		{context.DeadlineExceeded, 503, "temporarily_unavailable", "1"},
		{echo.ErrNotFound, 404, "not_found", ""},
		{echo.ErrMethodNotAllowed, 405, "method_not_allowed", ""},
		{errors.New("something else"), 500, "server_error", ""},
	}
	for _, c := range cases {
		t.Run(c.err.Error(), func(t *testing.T) {
			got, _ := refuse(fmt.Errorf(inner+": %w", c.err), http.MethodPost)
			if got.Code != c.status || !strings.Contains(got.Body.String(), `"error":"`+c.code+`"`) || got.Header().Get("Retry-After") != c.retryAfter {
				t.Errorf("got %d %s %v", got.Code, got.Body, got.Header())
			}
			if strings.Contains(got.Body.String(), inner) {
				t.Errorf("the client is told %s", got.Body)
			}
			if got.Header().Get("Cache-Control") != "no-store" {
				t.Error("an error may be cached")
			}
		})
	}
}

func TestAnErrorOfHEADHasNoBody(t *testing.T) {
	if got, _ := refuse(echo.ErrNotFound, http.MethodHead); got.Code != 404 || got.Body.Len() > 0 {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
}

// A connection that is closed on one side only looks like a client that has
// gone, and still reads: an empty 200 would be taken for a success.
func TestWhoLooksForAPageThatIsNotThereSeesOne(t *testing.T) {
	page := func(c echo.Context, e *wire.Error, _ string) error { return c.HTML(e.Status, "<h1>") }
	for _, c := range []struct {
		name, accept string
		err          error
		want         string
	}{
		{"a browser", "text/html,application/xhtml+xml,*/*;q=0.8", echo.ErrNotFound, "<h1>"},
		{"curl", "*/*", echo.ErrNotFound, `{"error":"not_found"`},
		{"a script", "application/json", echo.ErrNotFound, `{"error":"not_found"`},
		{"a browser, of a route for programs", "text/html", echo.ErrMethodNotAllowed, `{"error":"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/nothing", nil)
			r.Header.Set("Accept", c.accept)
			w := httptest.NewRecorder()
			(&errorWriter{logger: slog.New(slog.DiscardHandler), page: page}).write(c.err, echo.New().NewContext(r, w))
			if !strings.HasPrefix(w.Body.String(), c.want) {
				t.Errorf("got %s", w.Body)
			}
		})
	}
}

func TestARequestThatWasCutOffIsNoSuccess(t *testing.T) {
	got, log := refuse(fmt.Errorf("reading: %w", context.Canceled), http.MethodPost)
	if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") != "1" || log != "" {
		t.Errorf("got %d %s, logged %q", got.Code, got.Body, log)
	}
}

func TestStrangersRaiseNoAlarm(t *testing.T) {
	for err, want := range map[error]string{
		&signin.BusyError{RetryAfter: time.Second}: "level=INFO",
		signin.ErrWrongPassword:                    "level=INFO",
		kv.ErrNoSpace:                              "level=ERROR",
		errors.New("something else"):               "level=ERROR",
	} {
		if _, log := refuse(err, http.MethodPost); !strings.Contains(log, want) {
			t.Errorf("%v: logged %s, want %s", err, log, want)
		}
	}
}

func TestAPanicIsAServerErrorAndItsStackIsForTheLog(t *testing.T) {
	var log bytes.Buffer
	e := echo.New()
	e.HTTPErrorHandler = (&errorWriter{logger: slog.New(slog.NewTextHandler(&log, nil))}).write
	e.JSONSerializer = jsonSerializer{}
	e.GET("/", recoverPanics(func(echo.Context) error { panic("oh no") }))
	w := httptest.NewRecorder()
	dress(e, false).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "oh no") || !strings.Contains(w.Body.String(), "server_error") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "oh no") || !strings.Contains(log.String(), "errors_test.go") || !strings.Contains(log.String(), w.Header().Get("X-Request-Id")) {
		t.Errorf("logged %s", &log)
	}
}

func TestHealthSaysWhy(t *testing.T) {
	check := func() error { return errors.New("the disk is gone") }
	got, _ := refuse(health(check)(nil), http.MethodGet)
	want := `{"error":"temporarily_unavailable","error_description":"the disk is gone"}` + "\n"
	if got.Code != http.StatusServiceUnavailable || got.Body.String() != want {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
}

// refuse writes err as the answer to a request.
func refuse(err error, method string) (*httptest.ResponseRecorder, string) {
	var log bytes.Buffer
	e := echo.New()
	e.JSONSerializer = jsonSerializer{}
	w := httptest.NewRecorder()
	c := e.NewContext(httptest.NewRequest(method, "/", nil), w)
	(&errorWriter{logger: slog.New(slog.NewTextHandler(&log, nil))}).write(err, c)
	return w, log.String()
}
