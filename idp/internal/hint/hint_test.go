package hint

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/mint"
	"signet/keys"
	"signet/resource/token"
)

const issuer = "https://id.example.com"

// world is a ring and a clock for it.
type world struct {
	Reader
	ring *keys.Ring
	now  time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{now: time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)}
	store, err := data.Open(t.Context(), mem.New(), data.Options{})
	must(t, err)
	c := keys.DefaultConfig()
	c.Algs, c.MaxLifetime = []keys.Alg{token.ES256, token.EdDSA}, map[keys.Alg]time.Duration{token.ES256: 10 * time.Minute}
	w.ring, err = keys.Open(t.Context(), keys.Options{Config: c, Store: store.Cell("ring"), Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return w.now }, Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), "store")})
	must(t, err)
	w.Reader = Reader{Issuer: issuer, Ring: w.ring}
	return w
}

func (w *world) mint(issuer string) *mint.Mint {
	return mint.New(mint.Options{Issuer: issuer, Ring: w.ring, Now: func() time.Time { return w.now },
		Profiles: []mint.Profile{{Audience: "api", Alg: token.ES256, TTL: time.Minute}}})
}

func sign(t testing.TB, m *mint.Mint, checked *mint.Checked, err error) string {
	t.Helper()
	must(t, err)
	signed, err := m.Sign(checked)
	must(t, err)
	return signed.Value
}

func (w *world) idToken(t testing.TB, issuer string, alg token.Alg) string {
	t.Helper()
	m := w.mint(issuer)
	checked, err := m.ID(mint.ID{Subject: "ann", ClientID: "web", SID: "s1", Alg: alg, TTL: time.Minute, Nonce: "n"})
	return sign(t, m, checked, err)
}

func TestAnIDTokenOfOursIsAHint(t *testing.T) {
	w := newWorld(t)
	for _, alg := range []token.Alg{token.ES256, token.EdDSA} {
		text := w.idToken(t, issuer, alg)
		w.now = w.now.Add(1000 * time.Hour) // it has expired
		if got, err := w.Read(text); err != nil || got != (Hint{Client: "web", Subject: "ann", SID: "s1"}) {
			t.Errorf("%s: %+v, %v", alg, got, err)
		}
		w.now = w.now.Add(-1000 * time.Hour)
	}
}

func TestWhatElseIsNoHint(t *testing.T) {
	w := newWorld(t)
	m := w.mint(issuer)
	good := w.idToken(t, issuer, token.ES256)
	access, err := m.Access(mint.Profile{Audience: "api", Alg: token.ES256, TTL: time.Minute}, mint.Access{Subject: "ann", ClientID: "web", Status: m.Status(data.Slot{})})
	accessText := sign(t, m, access, err)
	logout, err := m.Logout(mint.Logout{ClientID: "web", Alg: token.ES256, Subject: "ann", JTI: "x"})
	logoutText := sign(t, m, logout, err)
	userinfo, err := m.Userinfo(token.ES256, "web", map[string]any{"sub": "ann"})
	userinfoText := sign(t, m, userinfo, err)
	for name, text := range map[string]string{
		"nothing":               "",
		"no JWT":                "x.y.z",
		"an access token":       accessText,
		"a logout token":        logoutText,
		"a signed userinfo":     userinfoText,
		"of another issuer":     w.idToken(t, "https://id.example.org", token.ES256),
		"of other keys":         newWorld(t).idToken(t, issuer, token.ES256),
		"cut off":               good[:len(good)-1],
		"with another end":      good + "A",
		"without its signature": good[:strings.LastIndex(good, ".")+1],
	} {
		if got, err := w.Read(text); !errors.Is(err, ErrInvalid) || got != (Hint{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error quotes it", name)
		}
	}
}

func TestTheKeyOfAHint(t *testing.T) {
	for name, c := range map[string]struct {
		leave func(w *world, kid string) error
		ok    bool
	}{
		"that retires":     {func(w *world, _ string) error { _, err := w.ring.Rotate(t.Context(), token.ES256, true); return err }, true},
		"that was revoked": {func(w *world, kid string) error { _, err := w.ring.Revoke(t.Context(), kid, "stolen"); return err }, false},
		"with all others": {func(w *world, _ string) error {
			_, err := w.ring.RevokeAll(t.Context(), "the host was taken")
			return err
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			text := w.idToken(t, issuer, token.ES256)
			for _, k := range w.ring.List() {
				if k.State == keys.Active && k.Alg == token.ES256 {
					must(t, c.leave(w, k.KID))
				}
			}
			if _, err := w.Read(text); (err == nil) != c.ok {
				t.Error(err)
			}
		})
	}
}

func must(t interface {
	Helper()
	Fatal(...any)
}, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
