package data

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestAPasswordHashIsNeverPrinted(t *testing.T) {
	u := User{ID: "u1", Email: "ada@example.com", PasswordHash: "$2a$10$secret"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("changed", "user", u, "pointer", &u)
	for _, printed := range []string{log.String(), fmt.Sprintf("%v %+v %#v %s %q %x", u, u, u, u, u, u), fmt.Sprint([]User{u}), fmt.Sprintf("%+v", &u)} {
		if strings.Contains(printed, "secret") || strings.Contains(printed, "736563726574") {
			t.Errorf("got %s", printed)
		}
	}
}
