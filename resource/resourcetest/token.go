package resourcetest

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"signet/resource/dpop/dpoptest"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// Lifetime is how long a token lives that says nothing else.
const Lifetime = 10 * time.Minute

// draft is a token before it is signed.
type draft struct {
	now    time.Time
	key    issuertest.Key
	header map[string]any
	claims map[string]any
}

// A TokenOption says what a token is to say.
type TokenOption func(*draft)

// Subject is whom the token speaks for, in place of "someone".
func Subject(id string) TokenOption { return Claim("sub", id) }

// Client is whom the token was issued to, in place of "client".
func Client(id string) TokenOption { return Claim("client_id", id) }

// Audience is whom the token is for, in place of the issuer's Audience.
func Audience(names ...string) TokenOption { return Claim("aud", names) }

// Scope gives the token these scopes. Without it, it has none.
func Scope(names ...string) TokenOption { return Claim("scope", strings.Join(names, " ")) }

// Roles gives the person these roles. Without it there are none.
func Roles(names ...string) TokenOption { return Claim("roles", names) }

// ACR is how strongly the person authenticated. Without it nothing is said.
func ACR(value string) TokenOption { return Claim("acr", value) }

// AuthenticatedAgo says how long ago the person authenticated. Without it the
// token stands for nobody who ever did.
func AuthenticatedAgo(d time.Duration) TokenOption {
	return func(t *draft) { t.claims["auth_time"] = token.At(t.now.Add(-d)) }
}

// ExpiresIn is how long the token lives from now, in place of Lifetime. It is
// cut to whole seconds, and negative for a token that is dead.
func ExpiresIn(d time.Duration) TokenOption {
	return func(t *draft) { t.claims["exp"] = token.At(t.now.Add(d)) }
}

// Expired makes a token that died a minute ago, more than any usual leeway.
func Expired() TokenOption {
	return func(t *draft) {
		t.claims["iat"] = token.At(t.now.Add(-Lifetime - time.Minute))
		t.claims["exp"] = token.At(t.now.Add(-time.Minute))
	}
}

// NotYet makes a token that is good in five minutes, more than any usual skew
// of clocks.
func NotYet() TokenOption {
	return func(t *draft) { t.claims["nbf"] = token.At(t.now.Add(5 * time.Minute)) }
}

// BoundTo binds the token to a client's key (RFC 9449). AuthorizeBound presents
// it.
func BoundTo(key dpoptest.Key) TokenOption {
	return Claim("cnf", map[string]any{"jkt": key.JKT()})
}

// With is all of opts, in their order.
func With(opts ...TokenOption) TokenOption {
	return func(t *draft) {
		for _, opt := range opts {
			opt(t)
		}
	}
}

// Claim sets any claim to what encoding/json makes of value; nil takes it away.
func Claim(name string, value any) TokenOption {
	return func(t *draft) { put(t.claims, name, value) }
}

// Header is Claim for the token's header.
func Header(name string, value any) TokenOption {
	return func(t *draft) { put(t.header, name, value) }
}

func put(m map[string]any, name string, value any) {
	if value == nil {
		delete(m, name)
		return
	}
	m[name] = value
}

// signedBy signs with key, and names it.
func signedBy(key issuertest.Key) TokenOption {
	return func(t *draft) {
		t.key = key
		t.header["kid"], t.header["alg"] = key.ID, key.Alg
	}
}

// Token returns an access token that every verifier of the issuer accepts, in
// so far as opts leave it good. Each one has a jti and a place in the status
// list of its own.
func (i *Issuer) Token(opts ...TokenOption) string {
	i.t.Helper()
	return i.sign(i.at(i.drawPlace()), With(opts...))
}

// sign makes a token that says nothing of its status.
func (i *Issuer) sign(opts ...TokenOption) string {
	i.t.Helper()
	now := i.now()
	t := &draft{
		now:    now,
		header: map[string]any{"typ": token.TypAccess},
		claims: map[string]any{
			"iss": i.URL, "sub": "someone", "aud": []string{i.Audience}, "client_id": "client",
			"iat": token.At(now), "exp": token.At(now.Add(Lifetime)), "jti": rand.Text(),
		},
	}
	signedBy(i.signer())(t)
	With(opts...)(t)
	payload, err := json.Marshal(t.claims)
	if err != nil {
		i.t.Fatalf("resourcetest: a claim is no JSON: %v", err)
	}
	return issuertest.Sign(i.t, t.key, t.header, payload)
}
