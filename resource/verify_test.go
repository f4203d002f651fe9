package resource_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

const issuerURL = "https://id.example"

// quiet keeps the log of a Verifier out of the tests' output.
var quiet = resource.WithLogger(slog.New(slog.DiscardHandler))

// static is a source of the keys, and needs no network.
func static(keys ...issuertest.Key) resource.Option {
	return resource.WithKeys(resource.KeyFunc(func(kid string) (resource.Key, bool) {
		for _, k := range keys {
			if k.ID == kid {
				return resource.Key{ID: kid, Alg: k.Alg, Public: k.Private.Public()}, true
			}
		}
		return resource.Key{}, false
	}))
}

func newVerifier(t testing.TB, opts ...resource.Option) *resource.Verifier {
	t.Helper()
	v, err := resource.New(issuerURL, issuertest.Audience, append([]resource.Option{quiet}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func TestAGoodTokenIsAcceptedUnderEachAlgorithm(t *testing.T) {
	for _, alg := range token.Algs() {
		i := issuertest.New(t, issuerURL)
		key := issuertest.NewKey(t, alg, "k-"+string(alg))
		v := newVerifier(t, static(key))
		payload, _ := i.Claims().Marshal()
		for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"} {
			raw := issuertest.Sign(t, key, map[string]any{"alg": alg, "kid": key.ID, "typ": typ}, payload)
			for range 2 { // at first sight, and remembered
				got, err := v.Verify(t.Context(), raw)
				if err != nil {
					t.Fatalf("%s with typ %s: %v", alg, typ, err)
				}
				if got.Subject() != "alice" || got.ClientID() != "signet" || got.KeyID() != key.ID || got.SessionID() != "s1" ||
					!got.HasRole("author") || got.HasRole("admin") || !got.HasScope("openid", "posts") || got.HasScope("posts", "x") {
					t.Errorf("%s: got %+v", alg, got.Claims())
				}
			}
		}
	}
}

// forge changes a good token's parts before it is signed.
type forge struct {
	key     issuertest.Key
	header  map[string]any
	claims  map[string]any
	payload []byte // in place of claims
}

func TestBadTokensAreRefusedForWhatIsWrong(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	rsaKey := issuertest.NewKey(t, token.RS256, "r1")
	stranger := issuertest.NewKey(t, token.ES256, "k1") // under the issuer's kid
	v := newVerifier(t, static(i.Key(), rsaKey))
	now := time.Now()

	for _, c := range []struct {
		name string
		make func(*forge)
		want error
	}{
		{"the typ of an ID token", func(f *forge) { f.header["typ"] = "JWT" }, resource.ErrTyp},
		{"the typ of a status list", func(f *forge) { f.header["typ"] = "statuslist+jwt" }, resource.ErrTyp},
		{"the typ of a logout token", func(f *forge) { f.header["typ"] = "logout+jwt" }, resource.ErrTyp},
		{"no typ", func(f *forge) { delete(f.header, "typ") }, resource.ErrTyp},
		{"alg none", func(f *forge) { f.header["alg"] = "none" }, resource.ErrAlgorithm},
		{"alg None", func(f *forge) { f.header["alg"] = "None" }, resource.ErrAlgorithm},
		{"alg HS256", func(f *forge) { f.header["alg"] = "HS256" }, resource.ErrAlgorithm},
		{"alg ES384", func(f *forge) { f.header["alg"] = "ES384" }, resource.ErrAlgorithm},
		{"no alg", func(f *forge) { delete(f.header, "alg") }, resource.ErrAlgorithm},
		{"an alg that is not the key's", func(f *forge) { f.header["alg"] = "RS256" }, resource.ErrAlgorithm},
		{"PS256 under a key for RS256", func(f *forge) { f.key = rsaKey; f.header["kid"] = "r1"; f.header["alg"] = "PS256" }, resource.ErrAlgorithm},
		{"an embedded jwk", func(f *forge) { f.header["jwk"] = stranger.JWK(); f.key = stranger }, resource.ErrHeader},
		{"a jku", func(f *forge) { f.header["jku"] = "https://evil.example/jwks" }, resource.ErrHeader},
		{"an x5u", func(f *forge) { f.header["x5u"] = "https://evil.example/cert" }, resource.ErrHeader},
		{"an x5c", func(f *forge) { f.header["x5c"] = []string{"MIIB"} }, resource.ErrHeader},
		{"an unknown crit", func(f *forge) { f.header["crit"] = []string{"x"}; f.header["x"] = 1 }, resource.ErrHeader},
		{"a crit that names b64", func(f *forge) { f.header["crit"] = []string{"b64"}; f.header["b64"] = true }, resource.ErrHeader},
		{"an empty crit", func(f *forge) { f.header["crit"] = []string{} }, resource.ErrHeader},
		{"no kid", func(f *forge) { delete(f.header, "kid") }, resource.ErrHeader},
		{"an empty kid", func(f *forge) { f.header["kid"] = "" }, resource.ErrHeader},
		{"a kid that is a number", func(f *forge) { f.header["kid"] = 1 }, resource.ErrMalformed},
		{"a kid that names a path", func(f *forge) { f.header["kid"] = "../../../../dev/null" }, resource.ErrUnknownKey},
		{"a kid that names a URL", func(f *forge) { f.header["kid"] = "https://evil.example/key" }, resource.ErrUnknownKey},
		{"a kid with a NUL", func(f *forge) { f.header["kid"] = "k1\x00" }, resource.ErrUnknownKey},
		{"a kid in another case", func(f *forge) { f.header["kid"] = "K1" }, resource.ErrUnknownKey},
		{"another issuer's key under our kid", func(f *forge) { f.key = stranger }, resource.ErrSignature},
		{"another issuer", func(f *forge) { f.claims["iss"] = "https://other.example" }, resource.ErrIssuer},
		{"the issuer with a slash", func(f *forge) { f.claims["iss"] = issuerURL + "/" }, resource.ErrIssuer},
		{"no issuer", func(f *forge) { delete(f.claims, "iss") }, resource.ErrIssuer},
		{"another audience", func(f *forge) { f.claims["aud"] = []string{"files", "Api"} }, resource.ErrAudience},
		{"no audience", func(f *forge) { delete(f.claims, "aud") }, resource.ErrAudience},
		{"an empty list of audiences", func(f *forge) { f.claims["aud"] = []string{} }, resource.ErrAudience},
		{"exp in the past", func(f *forge) { f.claims["exp"] = now.Add(-time.Second).Unix() }, resource.ErrExpired},
		{"no exp", func(f *forge) { delete(f.claims, "exp") }, resource.ErrClaims},
		{"exp as a string", func(f *forge) { f.claims["exp"] = "4000000000" }, resource.ErrClaims},
		{"exp beyond a double", func(f *forge) { f.claims["exp"] = json.RawMessage("4e400") }, resource.ErrClaims},
		{"exp beyond all time", func(f *forge) { f.claims["exp"] = json.RawMessage("99999999999999999999") }, resource.ErrClaims},
		{"iat in the future", func(f *forge) { f.claims["iat"] = now.Add(time.Minute).Unix() }, resource.ErrNotYet},
		{"nbf in the future", func(f *forge) { f.claims["nbf"] = now.Add(time.Minute).Unix() }, resource.ErrNotYet},
		{"no iat", func(f *forge) { delete(f.claims, "iat") }, resource.ErrClaims},
		{"no sub", func(f *forge) { delete(f.claims, "sub") }, resource.ErrClaims},
		{"no client_id", func(f *forge) { delete(f.claims, "client_id") }, resource.ErrClaims},
		{"no jti", func(f *forge) { delete(f.claims, "jti") }, resource.ErrClaims},
		{"sub as a number", func(f *forge) { f.claims["sub"] = 1 }, resource.ErrClaims},
		{"roles as a string", func(f *forge) { f.claims["roles"] = "admin" }, resource.ErrClaims},
		{"scope as a list", func(f *forge) { f.claims["scope"] = []string{"a"} }, resource.ErrClaims},
		{"aud as an object", func(f *forge) { f.claims["aud"] = map[string]string{"api": "api"} }, resource.ErrClaims},
		{"a claim twice", func(f *forge) { f.payload = []byte(`{"iss":"https://id.example","iss":"x"}`) }, resource.ErrClaims},
		{"a payload that is no object", func(f *forge) { f.payload = []byte(`["iss"]`) }, resource.ErrClaims},
		{"a payload that is text", func(f *forge) { f.payload = []byte("hello") }, resource.ErrClaims},
		{"an empty payload", func(f *forge) { f.payload = []byte{} }, resource.ErrClaims},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &forge{key: i.Key(), header: i.Header(), claims: make(map[string]any)}
			good, _ := i.Claims().Marshal()
			_ = json.Unmarshal(good, &f.claims)
			f.claims["exp"], f.claims["iat"] = now.Add(time.Minute).Unix(), now.Unix()
			delete(f.claims, "auth_time")
			c.make(f)
			payload := f.payload
			if payload == nil {
				payload, _ = json.Marshal(f.claims)
			}
			refused(t, v, issuertest.Sign(t, f.key, f.header, payload), c.want)
		})
	}
}

// refused wants raw to be refused twice with want: nothing is remembered of it.
func refused(t *testing.T, v *resource.Verifier, raw string, want error) {
	t.Helper()
	for range 2 {
		tok, err := v.Verify(t.Context(), raw)
		if tok != nil || !errors.Is(err, want) || !errors.Is(err, resource.ErrInvalidToken) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestOtherSpellingsOfAGoodTokenAreRefused(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()))
	good := i.Token()
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	header, payload, signature := parts[0], parts[1], parts[2]
	std := func(s string) string {
		raw, _ := base64.RawURLEncoding.DecodeString(s)
		return base64.RawStdEncoding.EncodeToString(raw)
	}
	nonCanonical := signature[:len(signature)-1] + string(signature[len(signature)-1]+1) // 64 bytes leave 4 free bits
	for _, c := range []struct{ name, raw string }{
		{"nothing", ""},
		{"two dots", ".."},
		{"truncated by one", good[:len(good)-1]},
		{"truncated after the payload", header + "." + payload},
		{"truncated after the second dot", header + "." + payload + "."},
		{"padded", good + "=="},
		{"in the standard alphabet", header + "." + payload + "." + strings.NewReplacer("-", "+", "_", "/").Replace(std(signature)+"+/")},
		{"with a space inside", good[:40] + " " + good[40:]},
		{"with a line break inside", good[:40] + "\n" + good[40:]},
		{"with a line break at the end", good + "\n"},
		{"with non-canonical trailing bits", header + "." + payload + "." + nonCanonical},
		{"in JSON serialization, flattened", `{"protected":"` + header + `","payload":"` + payload + `","signature":"` + signature + `"}`},
		{"in JSON serialization, general", `{"payload":"` + payload + `","signatures":[{"protected":"` + header + `","signature":"` + signature + `"}]}`},
		{"nested with a fourth part", good + "." + signature},
		{"beyond the length bound", good + strings.Repeat("A", token.MaxLength)},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := resource.ErrMalformed
			if c.name == "truncated by one" || c.name == "truncated after the second dot" {
				want = resource.ErrInvalidToken // which part broke depends on where the cut fell
			}
			refused(t, v, c.raw, want)
		})
	}
}

func TestSignaturesThatAreNotTheKeysAreRefused(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()))
	payload, _ := i.Claims().Marshal()
	b64 := base64.RawURLEncoding.EncodeToString
	header := func(alg string) string {
		h := i.Header()
		h["alg"] = alg
		raw, _ := json.Marshal(h)
		return b64(raw)
	}
	pub := i.Key().Private.Public()
	der, _ := x509.MarshalPKIXPublicKey(pub)
	hs := func(secret []byte) string {
		input := header("HS256") + "." + b64(payload)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + b64(mac.Sum(nil))
	}
	refused(t, v, header("none")+"."+b64(payload)+".", resource.ErrAlgorithm)
	refused(t, v, hs(der), resource.ErrAlgorithm)
	refused(t, v, hs(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), resource.ErrAlgorithm)

	input := header("ES256") + "." + b64(payload)
	sum := sha256.Sum256([]byte(input))
	asn1, err := ecdsa.SignASN1(rand.Reader, i.Key().Private.(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	refused(t, v, input+"."+b64(asn1), resource.ErrSignature)
	refused(t, v, input+"."+b64(make([]byte, 64)), resource.ErrSignature)
	refused(t, v, input+".", resource.ErrSignature)
}

func TestAnyFlippedBitOfAGoodTokenIsRefused(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()))
	good := i.Token()
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(good) {
		raw := []byte(good)
		raw[bit/8] ^= 1 << (bit % 8)
		if _, err := v.Verify(t.Context(), string(raw)); !errors.Is(err, resource.ErrInvalidToken) {
			t.Fatalf("bit %d flipped: %v", bit, err)
		}
	}
}

func TestATokenEndsOnTheSecondOfItsExp(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	now := time.Now().Truncate(time.Second)
	clock := func() time.Time { return now }
	raw := i.Token(func(c *token.Claims) { c.IssuedAt, c.Expiry = token.At(now), token.At(now.Add(time.Minute)) })
	exact := newVerifier(t, static(i.Key()), resource.WithNow(clock))
	lenient := newVerifier(t, static(i.Key()), resource.WithNow(clock), resource.WithLeeway(10*time.Second))
	for _, c := range []struct {
		after          time.Duration
		exact, lenient error
	}{
		{59 * time.Second, nil, nil},
		{time.Minute, resource.ErrExpired, nil},
		{69 * time.Second, resource.ErrExpired, nil},
		{70 * time.Second, resource.ErrExpired, resource.ErrExpired},
	} {
		start := now
		now = now.Add(c.after)
		if _, err := exact.Verify(t.Context(), raw); !errors.Is(err, c.exact) {
			t.Errorf("after %s: %v, want %v", c.after, err, c.exact)
		}
		if _, err := lenient.Verify(t.Context(), raw); !errors.Is(err, c.lenient) {
			t.Errorf("after %s with leeway: %v, want %v", c.after, err, c.lenient)
		}
		now = start
	}
}

func TestTheIssuersClockMayBeAheadByTheSkewAndNoMore(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	now := time.Now().Truncate(time.Second)
	v := newVerifier(t, static(i.Key()), resource.WithNow(func() time.Time { return now }), resource.WithClockSkew(5*time.Second))
	at := func(ahead time.Duration) string {
		return i.Token(func(c *token.Claims) { c.IssuedAt, c.Expiry = token.At(now.Add(ahead)), token.At(now.Add(time.Hour)) })
	}
	if _, err := v.Verify(t.Context(), at(5*time.Second)); err != nil {
		t.Error(err)
	}
	refused(t, v, at(6*time.Second), resource.ErrNotYet)
}

func TestAKeyThatTheSourceTakesBackEndsItsRememberedTokens(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	key, trusted := i.Key().Private.Public(), true
	v := newVerifier(t, resource.WithKeys(resource.KeyFunc(func(string) (resource.Key, bool) {
		return resource.Key{ID: "k1", Alg: token.ES256, Public: key}, trusted
	})))
	raw := i.Token()
	if _, err := v.Verify(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	trusted = false
	refused(t, v, raw, resource.ErrUnknownKey)
	trusted = true
	if _, err := v.Verify(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	// And when the kid comes to name another key.
	key = issuertest.NewKey(t, token.ES256, "k1").Private.Public()
	refused(t, v, raw, resource.ErrSignature)
}

func TestNewRefusesWhatCannotBeRight(t *testing.T) {
	for _, c := range []struct {
		issuer, audience string
		opts             []resource.Option
	}{
		{"", "api", nil},
		{"id.example", "api", nil},
		{"http://id.example", "api", nil},
		{"http://localhost.example", "api", nil},
		{"ftp://id.example", "api", nil},
		{"https://id.example?x=1", "api", nil},
		{"https://id.example#x", "api", nil},
		{"https://user:pw@id.example", "api", nil},
		{"https://", "api", nil},
		{issuerURL, "", nil},
		{issuerURL, "api", []resource.Option{resource.WithAudiences("")}},
		{issuerURL, "api", []resource.Option{resource.WithAlgs()}},
		{issuerURL, "api", []resource.Option{resource.WithAlgs("none")}},
		{issuerURL, "api", []resource.Option{resource.WithAlgs("HS256")}},
		{issuerURL, "api", []resource.Option{resource.WithResource("api")}},
		{issuerURL, "api", []resource.Option{resource.WithMaxStale(0)}},
		{issuerURL, "api", []resource.Option{resource.WithCooldown(0)}},
		{issuerURL, "api", []resource.Option{resource.WithLeeway(-1)}},
	} {
		if v, err := resource.New(c.issuer, c.audience, c.opts...); err == nil {
			v.Close()
			t.Errorf("New(%q, %q, %d options) is accepted", c.issuer, c.audience, len(c.opts))
		}
	}
	for _, ok := range []string{"http://localhost:4000", "http://127.0.0.1:4000", "http://[::1]:4000", "https://id.example/tenant"} {
		v, err := resource.New(ok, "api", static())
		if err != nil {
			t.Errorf("New(%q): %v", ok, err)
			continue
		}
		v.Close()
	}
}

func TestFurtherAudiencesAreAccepted(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	raw := i.Token(func(c *token.Claims) { c.Audience = []string{"other", "files"} })
	refused(t, newVerifier(t, static(i.Key())), raw, resource.ErrAudience)
	v := newVerifier(t, static(i.Key()), resource.WithAudiences("files"))
	if _, err := v.Verify(context.Background(), raw); err != nil {
		t.Error(err)
	}
}
