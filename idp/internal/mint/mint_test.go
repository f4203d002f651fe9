package mint

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
	"signet/keys"
	"signet/resource"
	"signet/resource/token"
)

const issuer = "https://id.example"

var (
	moment = time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)
	ada    = Access{Subject: "ada", ClientID: "signet", Scope: "openid", Roles: []string{"admin"}, SID: "s1",
		AuthTime: moment.Add(-time.Minute), AMR: []string{"pwd"},
		Status: token.StatusRef{Index: 7, URI: "https://id.example/oauth2/status_lists/l"}}
)

func TestASignedTokenIsVerifiedByItsAudience(t *testing.T) {
	ring := newRing(t)
	m := newMint(ring)
	for audience, alg := range map[string]token.Alg{"": token.ES256, "api": token.ES256, "billing": token.RS256} {
		p, err := m.Profile(audience)
		if err != nil {
			t.Fatal(err)
		}
		checked, err := m.Access(p, ada)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := m.Sign(checked)
		if err != nil {
			t.Fatal(err)
		}
		if signed.ExpiresIn != p.TTL {
			t.Errorf("%q: expires in %s", audience, signed.ExpiresIn)
		}
		v, err := resource.New(issuer, p.Audience, resource.WithKeys(published(ring)), resource.WithNow(func() time.Time { return moment }))
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Verify(t.Context(), signed.Value)
		if err != nil {
			t.Fatalf("%q: %v", audience, err)
		}
		if got.Subject() != "ada" || !got.HasRole("admin") || got.SessionID() != "s1" || got.Expiry() != moment.Truncate(time.Second).Add(p.TTL).Local() {
			t.Errorf("%q: got %+v", audience, got.Claims())
		}
		if compact, err := token.ParseCompact(signed.Value); err != nil || compact.Header.Alg != alg || compact.Header.Typ != token.TypAccess {
			t.Errorf("%q: the header is %+v, %v", audience, compact.Header, err)
		}
	}
}

// The claims on the wire, byte by byte: others parse them.
func TestThePayloadStaysAsItIs(t *testing.T) {
	m := newMint(newRing(t))
	p, _ := m.Profile("")
	checked, err := m.Access(p, ada)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := m.Sign(checked)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(signed.Value, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"iss":"https://id.example","sub":"ada","aud":["api"],"client_id":"signet","iat":1772366400,"exp":1772367000,` +
		`"jti":"AAAAAAAAAAAAAAAAAAAAAA","scope":"openid","roles":["admin"],"sid":"s1","auth_time":1772366340,"amr":["pwd"],"status":{"status_list":{"idx":7,"uri":"https://id.example/oauth2/status_lists/l"}}}`
	if string(payload) != want {
		t.Errorf("got  %s\nwant %s", payload, want)
	}
}

func TestClaimsAreRefused(t *testing.T) {
	m := newMint(newRing(t))
	p, _ := m.Profile("")
	cases := []struct {
		name    string
		profile Profile
		claims  Access
		want    error
	}{
		{"for an audience that nobody configured", Profile{Audience: "other", TTL: time.Minute, Alg: token.ES256}, ada, ErrAudience},
		{"without a subject", p, Access{ClientID: "signet"}, ErrClaims},
		{"without a client", p, Access{Subject: "ada"}, ErrClaims},
		{"without a status", p, Access{Subject: "ada", ClientID: "signet"}, ErrClaims},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := m.Access(c.profile, c.claims); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := m.Profile("other"); !errors.Is(err, ErrAudience) {
		t.Errorf("got %v for an unknown audience", err)
	}
}

func TestCheckedClaimsAreSignedOnce(t *testing.T) {
	m := newMint(newRing(t))
	p, _ := m.Profile("")
	checked, err := m.Access(p, ada)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sign(checked); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sign(checked); !errors.Is(err, ErrSpent) {
		t.Errorf("got %v", err)
	}
}

func TestATokenDoesNotOutliveWhatItsKeyMaySign(t *testing.T) {
	m := newMint(newRing(t))
	p, _ := m.Profile("")
	p.TTL = 24 * time.Hour
	checked, err := m.Access(p, ada)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := m.Sign(checked)
	if err != nil || signed.ExpiresIn != keys.DefaultConfig().MaxLifetime[token.ES256] {
		t.Errorf("got %s, %v", signed.ExpiresIn, err)
	}
}

func newMint(ring *keys.Ring) *Mint {
	return New(Options{
		Issuer: issuer, Ring: ring, Now: func() time.Time { return moment }, Rand: bytes.NewReader(make([]byte, 1024)),
		Profiles: []Profile{{Audience: "api", Alg: token.ES256, TTL: 10 * time.Minute}, {Audience: "billing", Alg: token.RS256, TTL: time.Minute}},
	})
}

func newRing(t testing.TB) *keys.Ring {
	t.Helper()
	store, err := data.Open(t.Context(), mem.New(), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Open(t.Context(), keys.Options{
		Store: store.Cell("ring"), Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), "store"), Config: keys.DefaultConfig(), Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return moment },
	})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func published(ring *keys.Ring) resource.KeySource {
	return resource.KeyFunc(func(kid string) (resource.Key, bool) {
		public, alg, _, ok := ring.Snapshot().Public(kid)
		return resource.Key{ID: kid, Alg: alg, Public: public}, ok
	})
}

func BenchmarkAccess(b *testing.B) {
	ring := newRing(b)
	m := New(Options{Issuer: issuer, Ring: ring, Profiles: []Profile{{Audience: "api", Alg: token.ES256, TTL: 10 * time.Minute}}})
	p, _ := m.Profile("")
	b.ReportAllocs()
	for b.Loop() {
		checked, err := m.Access(p, ada)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.Sign(checked); err != nil {
			b.Fatal(err)
		}
	}
}
