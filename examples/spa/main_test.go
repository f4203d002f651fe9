package main

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestThePageMayTalkToItsIssuerAndItsAPIAndNobodyElse(t *testing.T) {
	s, err := parse([]string{"--issuer", "https://id.example/tenant", "--api", "https://api.example:8443/v1"})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler(s).ServeHTTP(w, httptest.NewRequest("GET", "/?code=x&state=y", nil))
	policy := w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || !strings.Contains(policy, "connect-src 'self' https://id.example https://api.example:8443;") || strings.Contains(policy, "unsafe") {
		t.Errorf("got %d, policy %q", w.Code, policy)
	}
	if w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Error("the code may leave with a referrer")
	}
	w = httptest.NewRecorder()
	handler(s).ServeHTTP(w, httptest.NewRequest("GET", "/config.json", nil))
	if got, want := w.Body.String(), `{"issuer":"https://id.example/tenant","client_id":"spa","scope":"openid profile email","api":"https://api.example:8443/v1"}`+"\n"; got != want {
		t.Errorf("the page gets %s", got)
	}
}

func TestRunRefusesWhatItCannotServe(t *testing.T) {
	for _, args := range [][]string{{"--listen", "nonsense"}, {"--listen", "localhost:0", "--api", "nonsense"}, {"extra"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	stop()
	if err := run(ctx, []string{"--listen", "127.0.0.1:0"}, io.Discard); err != nil {
		t.Error(err)
	}
}
