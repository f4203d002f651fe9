package session

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"signet/data/kv/mem"
)

// unchanged is what the page in the frame computes, as Session Management,
// section 3.2, has it, from the cookie that the script sees.
func (b *browser) unchanged(clientID, origin, state string) bool {
	hash, salt, _ := strings.Cut(state, ".")
	sum := sha256.Sum256([]byte(clientID + " " + origin + " " + b.jar[b.w.StateCookie()] + " " + salt))
	return hash == base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestSessionManagementSection3(t *testing.T) {
	w := newWorld(t, mem.New())
	w.management = true
	w.open("https://id.example.com")
	b := w.newBrowser()
	b.load()
	if b.jar[w.StateCookie()] != "" {
		t.Fatal("a stranger has a state")
	}
	ann := b.signIn(w.ann)
	state, err := w.SessionState(b.load(), "web", "https://app.example.com:443/callback?x=y")
	if err != nil || !b.unchanged("web", "https://app.example.com", state) {
		t.Fatal(state, err)
	}
	if b.unchanged("other", "https://app.example.com", state) || b.unchanged("web", "https://evil.example", state) {
		t.Error("the state is not bound to the client and its origin")
	}
	if again, _ := w.SessionState(b.load(), "web", "https://app.example.com/callback"); again == state {
		t.Error("there is no salt")
	}
	if strings.Contains(b.jar[w.StateCookie()], ann.ID) || strings.Contains(b.cookie(), b.jar[w.StateCookie()]) {
		t.Error("the cookie says more than it must")
	}

	for _, step := range []struct {
		name string
		do   func()
		same bool
	}{
		{"a visit", func() { b.load() }, true},
		{"a new secret", func() { w.clock.Move(turnEvery); b.load() }, true},
		{"a new proof", func() { b.signIn(w.ann) }, true},
		{"another account", func() { b.signIn(w.bob) }, false},
		{"the end of that", func() { b.signOut(b.load().Accounts[0].ID) }, true},
		{"a sign-out", func() { b.signOut("") }, false},
		{"another sign-in", func() { b.signIn(w.ann) }, false},
	} {
		if step.do(); b.unchanged("web", "https://app.example.com", state) != step.same {
			t.Errorf("after %s the state has changed: %v", step.name, step.same)
		}
	}
	w.clock.Move(testIdle)
	if b.load(); b.jar[w.StateCookie()] != "" {
		t.Error("the state outlives the session")
	}
}

func TestTheStateCookieIsTheOnlyOneForFrames(t *testing.T) {
	for issuer, name := range map[string]string{"https://id.example.com": "__Host-signet_state", "http://localhost:4000": "signet_plain_state"} {
		w := newWorld(t, mem.New())
		w.management = true
		w.open(issuer)
		b := w.newBrowser()
		b.signIn(w.ann)
		framed := 0
		for _, c := range b.last {
			if c.SameSite == http.SameSiteNoneMode {
				framed++
				if c.Name != name || c.HttpOnly || !c.Secure || c.Path != "/" || c.Domain != "" || c.MaxAge != int(testMax/time.Second) {
					t.Error(c.Raw)
				}
			}
		}
		if framed != 1 || len(b.last) != 2 {
			t.Errorf("%d of %d cookies are for frames", framed, len(b.last))
		}
	}
}

func TestWithoutSessionManagementThereIsNoState(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	b.signIn(w.ann)
	if state, err := w.SessionState(b.load(), "web", "https://app.example.com/cb"); state != "" || err != nil || len(b.jar) != 1 {
		t.Error(state, err, b.jar)
	}
}
