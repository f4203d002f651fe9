package client

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
	"signet/idp/internal/config"
	"signet/idp/internal/wire"
)

// pair is a key pair that is the same in every run.
func pair(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Repeat([]byte{seed}, ed25519.SeedSize))
}

func jwks(keys map[string]ed25519.PrivateKey) string {
	set := struct {
		Keys []map[string]string `json:"keys"`
	}{Keys: []map[string]string{}}
	for kid, key := range keys {
		set.Keys = append(set.Keys, map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))})
	}
	text, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	return string(text)
}

var serial atomic.Int64

type members map[string]any

// jwt signs with an Ed25519 key, or with the bytes of a secret.
func jwt(header, claims members, key any) string {
	part := func(m members) string {
		text, err := json.Marshal(m, json.Deterministic(true))
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	input := part(header) + "." + part(claims)
	var sig []byte
	switch key := key.(type) {
	case ed25519.PrivateKey:
		sig = ed25519.Sign(key, []byte(input))
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		sig = mac.Sum(nil)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func (f *fixture) claims(id string) members {
	now := f.clock().Unix()
	return members{"iss": id, "sub": id, "aud": issuer, "jti": fmt.Sprintf("j%d", serial.Add(1)), "iat": now, "exp": now + 60}
}

func signers() []config.Client {
	keyed := func(id string, m data.Metadata) config.Client {
		m.AuthMethod, m.RedirectURIs = wire.AuthPrivateKeyJWT, redirects.RedirectURIs
		return config.Client{ID: id, Metadata: m}
	}
	return []config.Client{
		keyed("keyed", data.Metadata{JWKS: jsontext.Value(jwks(map[string]ed25519.PrivateKey{"k1": pair(1)}))}),
		keyed("fetched", data.Metadata{JWKSURI: "https://app.example.com/jwks"}),
		keyed("rsa", data.Metadata{JWKS: jsontext.Value(jwks(map[string]ed25519.PrivateKey{"k1": pair(1)})), AuthAlg: "RS256"}),
		{ID: "mac", Secret: strong + strong, Metadata: with(redirects, wire.AuthClientSecretJWT)},
		{ID: "basic", Secret: strong, Metadata: redirects},
	}
}

func assertion64(jwt string, more ...string) []string {
	return append([]string{"client_assertion_type", wire.AssertionJWTBearer, "client_assertion", jwt}, more...)
}

// RFC 7523, section 3, OpenID Connect Core, section 9, and
// draft-ietf-oauth-rfc7523bis: client assertions.
func TestRFC7523Section3(t *testing.T) {
	f := newFixture(t, "", signers()...)
	now := f.clock().Unix()
	eddsa := members{"alg": "EdDSA", "kid": "k1"}
	hs256 := members{"alg": "HS256"}
	secret := []byte(strong + strong)
	type change = func(header, claims members)
	claim := func(name string, value any) change {
		return func(_, claims members) {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		client string
		header members
		key    any
		change change
		form   []string
		code   string // "": it is the client
	}{
		{"a key in its metadata", "keyed", eddsa, pair(1), nil, nil, ""},
		{"without a kid", "keyed", members{"alg": "EdDSA"}, pair(1), nil, nil, ""},
		{"the same client in the form", "keyed", eddsa, pair(1), nil, []string{"client_id", "keyed"}, ""},
		{"a typ of its own", "keyed", members{"alg": "EdDSA", "typ": "client-authentication+jwt"}, pair(1), nil, nil, ""},
		{"the typ of every JWT", "keyed", members{"alg": "EdDSA", "typ": "JWT"}, pair(1), nil, nil, ""},
		{"aud in an array", "keyed", eddsa, pair(1), claim("aud", []string{issuer}), nil, ""},
		{"no iat", "keyed", eddsa, pair(1), claim("iat", nil), nil, ""},
		{"an nbf that is now", "keyed", eddsa, pair(1), claim("nbf", now), nil, ""},
		{"a secret as a key", "mac", hs256, secret, nil, nil, ""},

		{"rfc7523bis: the token endpoint for an aud", "keyed", eddsa, pair(1), claim("aud", issuer+"/oauth2/token"), nil, wire.CodeInvalidClient},
		{"rfc7523bis: the endpoint for pushed requests for an aud", "keyed", eddsa, pair(1), claim("aud", issuer+"/oauth2/par"), nil, wire.CodeInvalidClient},
		{"rfc7523bis: the token endpoint, of a client with a secret", "mac", hs256, secret, claim("aud", issuer+"/oauth2/token"), nil, wire.CodeInvalidClient},
		{"another aud", "keyed", eddsa, pair(1), claim("aud", "https://other.example.com"), nil, wire.CodeInvalidClient},
		{"two auds, one of them ours", "keyed", eddsa, pair(1), claim("aud", []string{issuer, "https://other.example.com"}), nil, wire.CodeInvalidClient},
		{"two auds, both of them ours", "keyed", eddsa, pair(1), claim("aud", []string{issuer, issuer + "/oauth2/token"}), nil, wire.CodeInvalidClient},
		{"an empty aud", "keyed", eddsa, pair(1), claim("aud", []string{}), nil, wire.CodeInvalidClient},
		{"no aud", "keyed", eddsa, pair(1), claim("aud", nil), nil, wire.CodeInvalidClient},
		{"an aud that begins like ours", "keyed", eddsa, pair(1), claim("aud", issuer+"/"), nil, wire.CodeInvalidClient},
		{"another iss", "keyed", eddsa, pair(1), claim("iss", "basic"), nil, wire.CodeInvalidClient},
		{"no iss", "keyed", eddsa, pair(1), claim("iss", nil), nil, wire.CodeInvalidClient},
		{"no exp", "keyed", eddsa, pair(1), claim("exp", nil), nil, wire.CodeInvalidClient},
		{"an exp that is over", "keyed", eddsa, pair(1), claim("exp", now-31), nil, wire.CodeInvalidClient},
		{"an exp in a day", "keyed", eddsa, pair(1), claim("exp", now+24*3600), nil, wire.CodeInvalidClient},
		{"an exp that is text", "keyed", eddsa, pair(1), claim("exp", "soon"), nil, wire.CodeInvalidClient},
		{"an nbf to come", "keyed", eddsa, pair(1), claim("nbf", now+60), nil, wire.CodeInvalidClient},
		{"an iat to come", "keyed", eddsa, pair(1), claim("iat", now+60), nil, wire.CodeInvalidClient},
		{"no jti", "keyed", eddsa, pair(1), claim("jti", nil), nil, wire.CodeInvalidClient},
		{"a jti without end", "keyed", eddsa, pair(1), claim("jti", string(make([]byte, maxJTI+1))), nil, wire.CodeInvalidClient},
		{"another client's key", "keyed", eddsa, pair(2), nil, nil, wire.CodeInvalidClient},
		{"another kid", "keyed", members{"alg": "EdDSA", "kid": "k2"}, pair(1), nil, nil, wire.CodeInvalidClient},
		{"the typ of an access token", "keyed", members{"alg": "EdDSA", "typ": "at+jwt"}, pair(1), nil, nil, wire.CodeInvalidClient},
		{"the typ of a request object", "keyed", members{"alg": "EdDSA", "typ": "oauth-authz-req+jwt"}, pair(1), nil, nil, wire.CodeInvalidClient},
		{"alg none", "keyed", members{"alg": "none"}, nil, nil, nil, wire.CodeInvalidClient},
		{"a public key taken for a secret", "keyed", hs256, []byte(pair(1).Public().(ed25519.PublicKey)), nil, nil, wire.CodeInvalidClient},
		{"another alg than the registered one", "rsa", eddsa, pair(1), nil, nil, wire.CodeInvalidClient},
		{"a key of one that has a secret", "mac", eddsa, pair(1), nil, nil, wire.CodeInvalidClient},
		{"the wrong secret", "mac", hs256, []byte(strong + "xxxxxxxxxxxxxxx"), nil, nil, wire.CodeInvalidClient},
		{"an assertion of one that registered its secret", "basic", hs256, []byte(strong), nil, nil, wire.CodeInvalidClient},
		{"an unknown client", "nobody", eddsa, pair(1), nil, nil, wire.CodeInvalidClient},
		{"another client in the form", "keyed", eddsa, pair(1), nil, []string{"client_id", "basic"}, wire.CodeInvalidRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header, claims := members{}, f.claims(tt.client)
			for name, value := range tt.header {
				header[name] = value
			}
			if tt.change != nil {
				tt.change(header, claims)
			}
			c, err := f.authenticate(t, "", "", assertion64(jwt(header, claims, tt.key), tt.form...)...)
			var e *wire.Error
			switch {
			case tt.code == "" && (err != nil || c.ID != tt.client):
				t.Errorf("got %v, %v", c, err)
			case tt.code != "" && (!errors.As(err, &e) || e.Code != tt.code):
				t.Errorf("got %v, %v; want %s", c, err, tt.code)
			case tt.code == wire.CodeInvalidClient && e.Status != http.StatusUnauthorized:
				t.Errorf("status %d", e.Status)
			}
		})
	}
}

// draft-ietf-oauth-rfc7523bis, and OpenID Connect Core, section 9, which it
// contradicts: who may aim at an endpoint.
func TestOlderClientsMayAimAtAnEndpoint(t *testing.T) {
	registered := func(f *fixture) string {
		m := signers()[0].Metadata
		c, _, err := f.Create(t.Context(), data.Client{Metadata: m, Registered: true})
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	for name, tt := range map[string]struct {
		settings string
		client   func(*fixture) string
		typ      string
		aud      any
		good     bool
	}{
		"one that registered itself":                 {"", registered, "JWT", issuer + "/oauth2/token", true},
		"one that registered itself, at another":     {"", registered, "JWT", issuer + "/oauth2/par", true},
		"one that registered itself, at the issuer":  {"", registered, "JWT", issuer, true},
		"one that registered itself, in vain":        {"", registered, "JWT", issuer + "/oauth2/authorize", false},
		"one that registered itself, and both":       {"", registered, "JWT", []string{issuer, issuer + "/oauth2/token"}, false},
		"one that knows better":                      {"", registered, "client-authentication+jwt", issuer + "/oauth2/token", false},
		"one of the operator's, where they all may":  {"oauth: {endpoint_audiences: true}\n", nil, "JWT", issuer + "/oauth2/token", true},
		"one of the operator's, and somebody else's": {"oauth: {endpoint_audiences: true}\n", nil, "JWT", "https://other.example.com/oauth2/token", false},
		"one of the operator's that knows better":    {"oauth: {endpoint_audiences: true}\n", nil, "client-authentication+jwt", issuer + "/oauth2/token", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, tt.settings, signers()...)
			id := "keyed"
			if tt.client != nil {
				id = tt.client(f)
			}
			claims := f.claims(id)
			claims["aud"] = tt.aud
			_, err := f.authenticate(t, "", "", assertion64(jwt(members{"alg": "EdDSA", "kid": "k1", "typ": tt.typ}, claims, pair(1)))...)
			if good := err == nil; good != tt.good {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnAssertionOfAnotherTypeIsRefused(t *testing.T) {
	f := newFixture(t, "", signers()...)
	for _, typ := range []string{"", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"} {
		_, err := f.authenticate(t, "", "", "client_assertion_type", typ, "client_assertion", jwt(members{"alg": "EdDSA"}, f.claims("keyed"), pair(1)))
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != wire.CodeInvalidRequest {
			t.Errorf("%q: %v", typ, err)
		}
	}
}

// RFC 7523, section 3, item 7: of one assertion that comes a hundred times at
// once, one is accepted, and none later.
func TestAnAssertionIsAcceptedOnce(t *testing.T) {
	f := newFixture(t, "", signers()...)
	form := assertion64(jwt(members{"alg": "EdDSA"}, f.claims("keyed"), pair(1)))
	var all sync.WaitGroup
	start := make(chan struct{})
	good := make(chan string, 100)
	for range cap(good) {
		all.Go(func() {
			<-start
			if c, err := f.authenticate(t, "", "", form...); err == nil {
				good <- c.ID
			}
		})
	}
	close(start)
	all.Wait()
	if len(good) != 1 {
		t.Errorf("%d were accepted", len(good))
	}
	f.wait(89 * time.Second) // a second before exp, and the skew, are over
	if _, err := f.authenticate(t, "", "", form...); err == nil {
		t.Error("it was accepted again")
	}
}

func TestTheSameJTIOfTwoClientsIsNotTheSame(t *testing.T) {
	f := newFixture(t, "", signers()...)
	for id, key := range map[string]any{"keyed": pair(1), "mac": []byte(strong + strong)} {
		claims := f.claims(id)
		claims["jti"] = "1"
		alg := map[string]string{"keyed": "EdDSA", "mac": "HS256"}[id]
		if _, err := f.authenticate(t, "", "", assertion64(jwt(members{"alg": alg}, claims, key))...); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// OpenID Connect Core, section 10.1.1: keys are rotated behind the jwks_uri.
func TestAnUnknownKidIsAskedForOnce(t *testing.T) {
	f := newFixture(t, "", signers()...)
	const uri = "https://app.example.com/jwks"
	send := func(kid string, key ed25519.PrivateKey) error {
		_, err := f.authenticate(t, "", "", assertion64(jwt(members{"alg": "EdDSA", "kid": kid}, f.claims("fetched"), key))...)
		return err
	}
	if err := send("k1", pair(1)); err == nil {
		t.Error("accepted without its keys")
	}
	f.put(uri, jwks(map[string]ed25519.PrivateKey{"k1": pair(1)}))
	if err := send("k1", pair(1)); err != nil {
		t.Error(err)
	}
	f.put(uri, jwks(map[string]ed25519.PrivateKey{"k2": pair(2)}))
	before := len(f.fetched())
	if err := send("k2", pair(2)); err != nil {
		t.Error(err)
	}
	if got := f.fetched()[before:]; !slices.Equal(got, []string{uri, "fresh " + uri}) {
		t.Errorf("fetched %v", got)
	}
	before = len(f.fetched())
	if err := send("k3", pair(3)); err == nil {
		t.Error("an unknown key was accepted")
	}
	if got := f.fetched()[before:]; len(got) != 2 {
		t.Errorf("fetched %v", got)
	}
	f.put(uri, `{"keys": [{"kty": "oct", "k": "AAAA"}]}`)
	if err := send("k4", pair(1)); err == nil {
		t.Error("accepted with a key set that tells its secret")
	}
}

func FuzzAssertion(f *testing.F) {
	w := newFixture(f, "", signers()...)
	f.Fuzz(func(t *testing.T, assertion, typ string) {
		if !utf8.ValidString(assertion) || !utf8.ValidString(typ) {
			return // no parameter is
		}
		for _, text := range []string{assertion, jwt(members{"alg": "EdDSA", "typ": typ}, members{"sub": assertion, "iss": typ}, pair(1))} {
			c, err := w.authenticate(t, "", "", "client_assertion_type", wire.AssertionJWTBearer, "client_assertion", text)
			var e *wire.Error
			if text == "" {
				continue
			}
			if c != nil || !errors.As(err, &e) {
				t.Fatalf("got %v, %v", c, err)
			}
		}
	})
}

// What a stranger may make of the claims, signed as it should be: whatever is
// accepted is for us, of its time, and accepted once.
func FuzzAssertionClaims(f *testing.F) {
	w := newFixture(f, "", signers()...)
	f.Fuzz(func(t *testing.T, claims string) {
		text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
		text += "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(pair(1), []byte(text)))
		c, err := w.authenticate(t, "", "", assertion64(text)...)
		if err != nil {
			var e *wire.Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			return
		}
		var says struct {
			Issuer string         `json:"iss"`
			JTI    string         `json:"jti"`
			Aud    jsontext.Value `json:"aud"`
		}
		if err := json.Unmarshal([]byte(claims), &says); err != nil || says.Issuer != c.ID || says.JTI == "" {
			t.Fatalf("%s was accepted: %v", claims, err)
		}
		if _, err := w.authenticate(t, "", "", assertion64(text)...); err == nil {
			t.Fatalf("%s was accepted twice", claims)
		}
	})
}
