package client

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"runtime"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/config"
	"signet/idp/internal/wire"
)

// authenticateSelf sends what authenticate does.
func (f *fixture) authenticateSelf(t testing.TB, user, password string, pairs ...string) (Self, error) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, issuer+"/oauth2/token", nil)
	if user != "" {
		req.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(password))
	}
	return f.AuthenticateSelf(t.Context(), req, form(t, pairs...))
}

// remembered tells whether what a client of the secret is would be known without
// a look at its record.
func (f *fixture) remembered(id, secret string) bool {
	f.stored.current()
	_, found := f.stored.recall(f.proofOf(claim{method: wire.AuthClientSecretBasic, id: id, secret: secret}))
	return found
}

var itsOwn = data.Metadata{AuthMethod: wire.AuthClientSecretBasic, GrantTypes: []string{wire.GrantClientCredentials}, Scope: "posts"}

func TestAClientIsTheSameWhetherItIsRememberedOrRead(t *testing.T) {
	bound := itsOwn
	bound.DPoPBound, bound.Scope = true, ""
	inTheForm := with(itsOwn, wire.AuthClientSecretPost)
	f := newFixture(t, "scopes: [posts]\naudiences: [{name: api}, {name: files}]\n", config.Client{ID: "configured", Secret: strong, Metadata: redirects})
	for _, c := range []struct {
		name  string
		kind  data.Client
		lasts bool
	}{
		{"a usual one", data.Client{ID: "usual", Metadata: itsOwn}, true},
		{"one with audiences of its own", data.Client{ID: "files:only", Metadata: itsOwn, Audiences: []string{"files"}}, true},
		{"one of bound tokens", data.Client{ID: "bound", Metadata: bound}, true},
		{"one that has its secret in the form", data.Client{ID: "post", Metadata: inTheForm}, true},
		{"one that registered itself and was not used", data.Client{ID: "unused", Metadata: itsOwn, Registered: true}, false},
	} {
		made, secret := f.create(t, c.kind)
		user, password, pairs := made.ID, secret, []string(nil)
		if made.AuthMethod == wire.AuthClientSecretPost {
			user, pairs = "", []string{"client_id", made.ID, "client_secret", secret}
		}
		want := made.Self()
		for _, time := range []string{"read", "asked again"} {
			got, err := f.authenticateSelf(t, user, password, pairs...)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: got %+v, %v, want %+v", c.name, time, got, err, want)
			}
		}
		if user != "" && f.remembered(user, secret) != c.lasts {
			t.Errorf("%s: remembered: %v", c.name, !c.lasts)
		}
	}
	if got, err := f.authenticateSelf(t, "configured", strong); err != nil || got.Source != Configured || f.remembered("configured", strong) {
		t.Errorf("a configured one: %+v, %v", got, err)
	}
}

func TestWhatDoesNotProveAClientDoesNotWhenAnotherIsRemembered(t *testing.T) {
	f := newFixture(t, "scopes: [posts]\n")
	_, secret := f.create(t, data.Client{ID: "a", Metadata: itsOwn})
	_, other := f.create(t, data.Client{ID: "ab", Metadata: itsOwn})
	for id, secret := range map[string]string{"a": secret, "ab": other} {
		if _, err := f.authenticateSelf(t, id, secret); err != nil || !f.remembered(id, secret) {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, user, password string
		pairs                []string
	}{
		{"the secret of another", "a", other, nil},
		{"its secret, and a letter that its id lacks", "a", "b" + other, nil},
		{"a part of its secret in its id", "a" + secret[:1], secret[1:], nil},
		{"no secret", "a", "", nil},
		{"its secret in the form", "", "", []string{"client_id", "a", "client_secret", secret}},
		{"its id alone", "", "", []string{"client_id", "a"}},
	} {
		var e *wire.Error
		if _, err := f.authenticateSelf(t, c.user, c.password, c.pairs...); !errors.As(err, &e) || e.Code != wire.CodeInvalidClient {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestARememberedClientEndsWithWhatProvedIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *fixture) error
		works  bool
	}{
		{"nothing happens", func(*fixture) error { return nil }, true},
		{"it is removed", func(f *fixture) error { return f.Remove(t.Context(), "a") }, false},
		{"it gets another secret", func(f *fixture) error { _, err := f.RotateSecret(t.Context(), "a", 0); return err }, false},
		{"its old secret has ended", func(f *fixture) error {
			_, err := f.RotateSecret(t.Context(), "a", time.Hour)
			return err
		}, true},
		{"it loses the grant", func(f *fixture) error {
			_, _, err := f.Change(t.Context(), "a", func(c *data.Client) error { c.GrantTypes = []string{wire.GrantDeviceCode}; return nil })
			return err
		}, true},
	} {
		f := newFixture(t, "scopes: [posts]\n")
		_, secret := f.create(t, data.Client{ID: "a", Metadata: itsOwn})
		for range 2 {
			if _, err := f.authenticateSelf(t, "a", secret); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.change(f); err != nil {
			t.Fatal(err)
		}
		got, err := f.authenticateSelf(t, "a", secret)
		if (err == nil) != c.works {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		if c.name == "it loses the grant" && got.HasGrant(wire.GrantClientCredentials) {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.name == "its old secret has ended" {
			f.wait(time.Hour)
			if got, err := f.authenticateSelf(t, "a", secret); err == nil {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
	}
}

func TestASecretIsRememberedAgainOnceTheOldOneHasEnded(t *testing.T) {
	f := newFixture(t, "scopes: [posts]\n")
	f.create(t, data.Client{ID: "a", Metadata: itsOwn})
	secret, err := f.RotateSecret(t.Context(), "a", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{false, true} {
		if _, err := f.authenticateSelf(t, "a", secret); err != nil || f.remembered("a", secret) != want {
			t.Errorf("remembered: %v, %v", !want, err)
		}
		f.wait(time.Hour)
	}
}

// What was read before a change is not kept after it.
func TestNoClientIsRememberedThatMayBeOld(t *testing.T) {
	changed := make(chan struct{}, 1)
	c := newCache(changed, func() {})
	before := c.current()
	changed <- struct{}{}
	c.current()
	c.remember(Self{}, proof{1}, before)
	if _, found := c.recall(proof{1}); found {
		t.Error("what may be old is there")
	}
	c.remember(Self{}, proof{1}, c.current())
	if _, found := c.recall(proof{1}); !found {
		t.Error("what is new is not there")
	}
	changed <- struct{}{}
	c.current()
	if _, found := c.recall(proof{1}); found {
		t.Error("what was changed is there")
	}
}

func TestRememberedClientsHaveTheirRoomAndNoMore(t *testing.T) {
	for _, c := range []struct {
		name        string
		clients     int
		terms       int
		said        int   // bytes that the scope of each has
		most        int64 // bytes
		first, last bool  // that are there
	}{
		{"a hundred thousand of a kind", 100_000, 1, 10, 3 << 20, true, true},
		{"more than there is room for", provenRoom + 10, 1, 10, 4 << 20, false, true},
		{"more kinds than there is room for", 2 * termsRoom, 2 * termsRoom, mostTerms / 2, 2 << 20, true, false},
		{"terms that say much", termsRoom, termsRoom, mostTerms, 64 << 10, false, false},
	} {
		held := func() int64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := held()
		p := newProven()
		by := func(i int) (name proof) {
			binary.BigEndian.PutUint64(name[:], uint64(i))
			return name
		}
		scope := func(i int) string { return fmt.Sprintf("%0*d", c.said, i%c.terms) }
		for i := range c.clients {
			p.remember(by(i), Terms{Scope: scope(i)})
		}
		if n := held() - before; n > c.most {
			t.Errorf("%s: %d bytes are held", c.name, n)
		}
		for i, want := range map[int]bool{0: c.first, c.clients - 1: c.last} {
			if terms, found := p.recall(by(i)); found != want || found && terms.Scope != scope(i) {
				t.Errorf("%s: number %d is %+v, %v", c.name, i, terms, found)
			}
		}
		if len(p.terms) > termsRoom || len(p.numbers) > provenRoom {
			t.Errorf("%s: %d terms of %d clients", c.name, len(p.terms), len(p.numbers))
		}
	}
}
