package main

import (
	"net/http"
	"testing"

	"golang.org/x/sys/unix"
)

// fill takes away, or gives back, the room to write anything to a file.
func (p *process) fill(full bool) {
	p.t.Helper()
	var limit unix.Rlimit
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		p.t.Fatal(err)
	}
	limit.Cur = limit.Max
	if full {
		limit.Cur = 1
	}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		p.t.Fatal(err)
	}
}

func TestAFullDiskStopsChangesAndNothingElse(t *testing.T) {
	p := startProcess(t)
	first := p.signUp("ada@example.com")
	second := p.post("/refresh", refreshBody(first.RefreshToken)).want(t, http.StatusOK)

	p.fill(true)
	for _, change := range []struct{ path, body string }{
		{"/register", credentials("bob@example.com")},
		{"/login", credentials("ada@example.com")},
		{"/refresh", refreshBody(second.RefreshToken)},
		{"/logout", refreshBody(second.RefreshToken)},
	} {
		got := p.post(change.path, change.body)
		if got.Status != http.StatusServiceUnavailable || got.Error != "temporarily_unavailable" || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s", change.path, got.Status, got.Body)
		}
	}
	p.call(http.MethodGet, "/me", "", bearer(second.AccessToken)...).want(t, http.StatusOK)
	for _, path := range []string{"/.well-known/jwks.json", "/healthz", "/readyz"} {
		p.call(http.MethodGet, path, "").want(t, http.StatusOK)
	}
	again := p.post("/refresh", refreshBody(first.RefreshToken)).want(t, http.StatusOK)
	if again.RefreshToken != second.RefreshToken {
		t.Error("a repeat gave another successor")
	}

	p.fill(false)
	p.post("/refresh", refreshBody(second.RefreshToken)).want(t, http.StatusOK)
	p.login("ada@example.com")
	p.post("/register", credentials("bob@example.com")).want(t, http.StatusCreated)
}
