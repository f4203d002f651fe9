package introspect

import (
	"encoding/json"
	"net/http"
	"testing"

	"signet/idp/internal/client"
	"signet/idp/internal/jose"
	"signet/idp/internal/live/livetest"
	"signet/resource/token"
)

// opened verifies a signed answer, and returns its header and payload.
func opened(t *testing.T, w *livetest.World, a answered) (jose.Header, string) {
	t.Helper()
	if a.err != nil || a.rec.Header().Get("Content-Type") != "application/token-introspection+jwt" {
		t.Fatalf("got %v %v %s", a.err, a.rec.Header(), a.body)
	}
	parsed, err := jose.Parse(a.body)
	if err != nil {
		t.Fatal(err)
	}
	public, alg, _, _ := w.Ring.Snapshot().Public(parsed.Header().Kid)
	verified, err := parsed.VerifyKey(public, string(alg))
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	if err := verified.Claims(&said); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header(), string(text)
}

// RFC 9701, section 5: iss, aud and iat are there, and nothing at the top that
// an access token or an ID token has; typ says what it is.
func TestASignedAnswerIsForTheAskerAndForNothingElse(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	header, said := opened(t, w, asks(w, "signed", "unknown"))
	if header.Typ != token.TypIntrospection || header.Alg != "RS256" {
		t.Errorf("got %+v", header)
	}
	if want := `{"aud":"signed","iat":1935817689,"iss":"https://id.example","token_introspection":{"active":false}}`; said != want {
		t.Errorf("got  %s\nwant %s", said, want)
	}

	access := w.For("web", "openid")
	plain := asks(w, "api", access).body
	header, said = opened(t, w, asks(w, "api", access, "Accept:", "application/token-introspection+jwt"))
	if header.Typ != token.TypIntrospection || header.Alg != "RS256" { // what its ID tokens would have
		t.Errorf("got %+v", header)
	}
	var nested struct {
		Introspection map[string]any `json:"token_introspection"`
	}
	var same map[string]any
	if json.Unmarshal([]byte(said), &nested) != nil || json.Unmarshal([]byte(plain), &same) != nil {
		t.Fatalf("got %s", said)
	}
	a, _ := json.Marshal(nested.Introspection)
	b, _ := json.Marshal(same)
	if string(a) != string(b) {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	if _, said = opened(t, w, asks(w, "other", access, "Accept:", "application/token-introspection+jwt")); said !=
		`{"aud":"other","iat":1935817689,"iss":"https://id.example","token_introspection":{"active":false}}` {
		t.Errorf("who may not know is told %s", said)
	}
}

// RFC 9701, sections 4 and 6; RFC 9110, section 12.5.1.
func TestTheRequestSaysWhetherTheAnswerIsSigned(t *testing.T) {
	cases := []struct {
		name, accept string
		registered   bool // it registered an algorithm
		want         bool
	}{
		{"nothing said", "", false, false},
		{"nothing said, and an algorithm registered", "", true, true},
		{"JSON asked for", "application/json", false, false},
		{"JSON asked for, and an algorithm registered", "application/json", true, false},
		{"anything, and an algorithm registered", "*/*", true, true},
		{"anything", "*/*", false, false},
		{"by name", "application/token-introspection+jwt", false, true},
		{"by name in other case, among others", "text/html, Application/Token-Introspection+JWT;q=0.5 , */*;q=0.1", false, true},
		{"by name, beside JSON", "application/json, application/token-introspection+jwt", false, true},
		{"by name, as not acceptable", "application/token-introspection+jwt;q=0, application/json", true, false},
		{"by name, as not acceptable in other words", "application/token-introspection+jwt; q=0.000", false, false},
		{"another JWT", "application/jwt", false, false},
		{"what is no media type", ";;,,/", false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			asker, h := &client.Client{}, http.Header{}
			if c.registered {
				asker.IntrospectionAlg = "ES256"
			}
			if c.accept != "" {
				h.Set("Accept", c.accept)
			}
			if got := wantsSigned(h, asker); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
