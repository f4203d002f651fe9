package resource

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// jwks writes entries as a JWK Set.
func jwks(t testing.TB, entries ...any) []byte {
	t.Helper()
	for i, e := range entries {
		if k, ok := e.(issuertest.Key); ok {
			entries[i] = k.JWK()
		}
	}
	raw, err := json.Marshal(map[string]any{"keys": entries})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// with is k as an entry, with members changed; nil takes one out.
func with(k issuertest.Key, changes map[string]any) map[string]any {
	m := k.JWK()
	for name, value := range changes {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	return m
}

func TestAnEntryThatCannotBeUsedDropsOnlyItself(t *testing.T) {
	good := issuertest.NewKey(t, token.ES256, "good")
	ec := issuertest.NewKey(t, token.ES256, "bad")
	rs := issuertest.NewKey(t, token.RS256, "bad")
	ed := issuertest.NewKey(t, token.EdDSA, "bad")
	type change = map[string]any
	for _, c := range []struct {
		name  string
		entry any
	}{
		{"a symmetric key", map[string]any{"kty": "oct", "kid": "bad", "alg": "HS256", "k": "c2VjcmV0"}},
		{"an unknown type", with(ec, change{"kty": "AKP"})},
		{"no type", with(ec, change{"kty": nil})},
		{"an empty kid", with(ec, change{"kid": ""})},
		{"a kid that is a number", with(ec, change{"kid": 1})},
		{"a private key", with(ec, change{"d": "AA"})},
		{"for encryption", with(ec, change{"use": "enc"})},
		{"to sign only", with(ec, change{"key_ops": []string{"sign"}})},
		{"with another curve", with(ec, change{"crv": "P-384"})},
		{"with an alg that does not fit", with(ec, change{"alg": "RS256"})},
		{"with an alg that is not allowed", with(ec, change{"alg": "ES384"})},
		{"with alg HS256", with(ec, change{"alg": "HS256"})},
		{"with a point beside the curve", with(ec, change{"x": strings.Repeat("A", 43)})},
		{"with a short coordinate", with(ec, change{"y": "AQAB"})},
		{"with a padded coordinate", with(ec, change{"x": ec.JWK()["x"].(string) + "="})},
		{"of RSA with 1024 bits", with(rs, change{"n": strings.Repeat("_", 170) + "w"})},
		{"of RSA with 16384 bits", with(rs, change{"n": strings.Repeat("_", 2730) + "w"})},
		{"of RSA with an even exponent", with(rs, change{"e": "AQAA"})},
		{"of RSA with a huge exponent", with(rs, change{"e": "AQAAAAAAAAAB"})},
		{"of RSA without a modulus", with(rs, change{"n": nil})},
		{"of Ed25519 that is short", with(ed, change{"x": "AQAB"})},
		{"of X25519", with(ed, change{"crv": "X25519"})},
		{"a number", 7},
		{"null", nil},
		{"a list", []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, ignored, err := parseJWKS(jwks(t, c.entry, good))
			if err != nil || len(ignored) != 1 || !slices.Equal(slices.Collect(maps.Keys(keys)), []string{"good"}) {
				t.Errorf("got %v, %v, %v", keys, ignored, err)
			}
		})
	}
}

func TestAKidThatNamesTwoKeysNamesNone(t *testing.T) {
	a, b := issuertest.NewKey(t, token.ES256, "twice"), issuertest.NewKey(t, token.EdDSA, "twice")
	once := issuertest.NewKey(t, token.ES256, "once")
	keys, ignored, err := parseJWKS(jwks(t, a, once, b, a))
	if err != nil || len(ignored) != 2 || len(keys) != 1 || keys["once"].ID != "once" {
		t.Errorf("got %v, %v, %v", keys, ignored, err)
	}
}

func TestAnEntryWithoutAlgStandsForTheUsualOne(t *testing.T) {
	for alg, want := range map[token.Alg]token.Alg{
		token.ES256: token.ES256, token.EdDSA: token.EdDSA, token.RS256: token.RS256, token.PS256: token.RS256,
	} {
		k := issuertest.NewKey(t, alg, "k")
		keys, _, err := parseJWKS(jwks(t, with(k, map[string]any{"alg": nil, "use": nil})))
		if err != nil || keys["k"].Alg != want {
			t.Errorf("%s: got %v, %v", alg, keys, err)
		}
	}
}

func TestAKeyThatStaysKeepsItsIdentity(t *testing.T) {
	for _, alg := range token.Algs() {
		body := jwks(t, issuertest.NewKey(t, alg, "k"))
		first, _, _ := parseJWKS(body)
		second, _, _ := parseJWKS(body)
		keepIdentity(first, second)
		other, _, _ := parseJWKS(body)
		if !first["k"].same(second["k"]) || !first["k"].same(other["k"]) {
			t.Errorf("%s: the key is not itself", alg)
		}
		if alg != token.EdDSA && first["k"].Public != second["k"].Public { // a slice cannot be compared
			t.Errorf("%s: the key was replaced", alg)
		}
	}
}

func TestAKidThatComesToNameAnotherKeyNamesTheNewOne(t *testing.T) {
	for _, alg := range []token.Alg{token.ES256, token.EdDSA} {
		first, _, _ := parseJWKS(jwks(t, issuertest.NewKey(t, alg, "k")))
		second, _, _ := parseJWKS(jwks(t, issuertest.NewKey(t, alg, "k")))
		keepIdentity(first, second)
		if first["k"].same(second["k"]) {
			t.Errorf("%s: the old key is still there", alg)
		}
	}
}

func FuzzParseJWKS(f *testing.F) {
	for _, alg := range token.Algs() {
		f.Add(jwks(f, issuertest.NewKey(f, alg, "k")))
	}
	for _, file := range loadAll(f) {
		for _, v := range file.Vectors {
			if v.JWKS != nil || v.JWKSText != "" {
				f.Add([]byte(file.Keys(v)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, _, err := parseJWKS(body)
		if err != nil {
			return
		}
		for kid, key := range keys {
			if kid == "" || key.ID != kid || token.CheckKey(key.Alg, key.Public) != nil || !key.same(key) {
				t.Fatalf("an unusable key is used: %+v", key)
			}
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	f.Add("Bearer abc.def.ghi")
	f.Fuzz(func(t *testing.T, header string) {
		c, err := parseAuthorization([]string{header}, true)
		raw := c.token
		if err != nil {
			if raw != "" {
				t.Fatalf("%q came with %v", raw, err)
			}
			return
		}
		if scheme, _, _ := strings.Cut(header, " "); c.dpop != strings.EqualFold(scheme, "dpop") {
			t.Fatalf("%q gave %+v", header, c)
		}
		if raw == "" || !strings.HasSuffix(header, " "+raw) || strings.ContainsAny(raw, " \t\r\n,\"\x00") {
			t.Fatalf("%q gave %q", header, raw)
		}
	})
}
