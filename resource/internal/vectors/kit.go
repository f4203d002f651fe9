package vectors

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
)

// What the tokens are for, and when.
const (
	Issuer   = "https://id.example"
	Audience = "api"
	Now      = 1_800_000_000
)

// The keys. They are published with their private halves, and protect nothing.
var (
	esKey    = ecKey(elliptic.P256(), "es")
	strange  = ecKey(elliptic.P256(), "a stranger")
	p384     = ecKey(elliptic.P384(), "p384")
	edKey    = ed25519.NewKeyFromSeed(seed("ed"))
	edOther  = ed25519.NewKeyFromSeed(seed("another ed"))
	rsaKeys  = readRSA()
	rsKey    = rsaKeys["rs"]
	psKey    = rsaKeys["ps"]
	smallKey = rsaKeys["small"] // 1024 bits
	threeKey = rsaKeys["three"] // the exponent 3
	rocaKey  = rsaKeys["roca"]  // of the kind that some chips made (CVE-2017-15361)
)

func seed(name string) []byte {
	sum := sha256.Sum256([]byte("signet test vectors: " + name))
	return sum[:]
}

func ecKey(curve elliptic.Curve, name string) *ecdsa.PrivateKey {
	size := (curve.Params().BitSize + 7) / 8
	d := make([]byte, size)
	copy(d[size-32:], seed(name))
	return must(ecdsa.ParseRawPrivateKey(curve, d))
}

//go:embed rsa-test-keys.pem
var rsaPEM []byte

func readRSA() map[string]*rsa.PrivateKey {
	keys := make(map[string]*rsa.PrivateKey)
	for block, rest := pem.Decode(rsaPEM); block != nil; block, rest = pem.Decode(rest) {
		keys[block.Headers["Name"]] = must(x509.ParsePKCS1PrivateKey(block.Bytes))
	}
	return keys
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("vectors: %v", err)) // a recipe is wrong
	}
	return v
}

func b64[T ~string | ~[]byte](v T) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }

// edit changes the members of a JSON object that is given as name, value, name,
// value; the values are JSON. An edit is "name=value", which replaces or adds,
// or "-name".
func edit(members []string, edits []string) string {
	members = append([]string(nil), members...)
	for _, e := range edits {
		name, value, sets := strings.Cut(e, "=")
		at := len(members)
		for i := 0; i < len(members); i += 2 {
			if members[i] == strings.TrimPrefix(name, "-") {
				at = i
			}
		}
		switch {
		case !sets:
			members = append(members[:at], members[at+2:]...)
		case at < len(members):
			members[at+1] = value
		default:
			members = append(members, name, value)
		}
	}
	parts := make([]string, 0, len(members)/2)
	for i := 0; i < len(members); i += 2 {
		parts = append(parts, `"`+members[i]+`":`+members[i+1])
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// head is the header of a good ES256 token, with edits.
func head(edits ...string) string {
	return edit([]string{"alg", `"ES256"`, "kid", `"es"`, "typ", `"at+jwt"`}, edits)
}

func headFor(alg, kid string) string { return head(`alg="`+alg+`"`, `kid="`+kid+`"`) }

// body is the payload of a good token, with edits.
func body(edits ...string) string {
	return edit([]string{"iss", `"` + Issuer + `"`, "sub", `"alice"`, "aud", `["api"]`, "client_id", `"app"`,
		"iat", "1799999990", "exp", "1800000300", "jti", `"t1"`, "scope", `"openid posts"`}, edits)
}

// signer signs what a signature covers.
type signer func(input string) []byte

func compact(header, payload string, sign signer) string {
	input := b64(header) + "." + b64(payload)
	return input + "." + b64(sign(input))
}

// token is a good ES256 token but for its header and payload.
func token(header, payload string) string { return compact(header, payload, es256(esKey)) }

// fixed gives the same signature to everything.
func fixed(sig []byte) signer { return func(string) []byte { return sig } }

// change signs, and then spoils the signature.
func change(sign signer, spoil func([]byte) []byte) signer {
	return func(input string) []byte { return spoil(sign(input)) }
}

// over signs something else.
func over(sign signer, what func(input string) string) signer {
	return func(input string) []byte { return sign(what(input)) }
}

func es256(key *ecdsa.PrivateKey) signer { return ecdsaOver(key, crypto.SHA256) }

// ecdsaOver signs as RFC 6979 does: without randomness.
func ecdsaOver(key *ecdsa.PrivateKey, hash crypto.Hash) signer {
	return func(input string) []byte {
		r, s := split(must(key.Sign(nil, digest(hash, input), hash)))
		return join(r, s, (key.Curve.Params().BitSize+7)/8)
	}
}

// split reads the ASN.1 form of an ECDSA signature, and der writes it.
func split(sig []byte) (r, s *big.Int) {
	var v struct{ R, S *big.Int }
	must(asn1.Unmarshal(sig, &v))
	return v.R, v.S
}

func der(r, s *big.Int) []byte { return must(asn1.Marshal(struct{ R, S *big.Int }{r, s})) }

func join(r, s *big.Int, size int) []byte {
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

func eddsa(key ed25519.PrivateKey) signer {
	return func(input string) []byte { return ed25519.Sign(key, []byte(input)) }
}

func digest(hash crypto.Hash, input string) []byte {
	h := hash.New()
	h.Write([]byte(input))
	return h.Sum(nil)
}

// published is the JWK Set of the issuer: one key an algorithm.
func published() json.RawMessage {
	return set(ecJWK(esKey, "es"), rsaJWK(&rsKey.PublicKey, "rs", "RS256"), rsaJWK(&psKey.PublicKey, "ps", "PS256"), edJWK(edKey, "ed"))
}

func set(entries ...string) json.RawMessage {
	return json.RawMessage(`{"keys":[` + strings.Join(entries, ",") + `]}`)
}

func ecJWK(key *ecdsa.PrivateKey, kid string, edits ...string) string {
	p := must(key.PublicKey.Bytes())[1:]
	return edit([]string{"kty", `"EC"`, "kid", `"` + kid + `"`, "use", `"sig"`, "alg", `"ES256"`, "crv", `"P-256"`,
		"x", quote(p[:len(p)/2]), "y", quote(p[len(p)/2:])}, edits)
}

func rsaJWK(key *rsa.PublicKey, kid, alg string, edits ...string) string {
	return edit([]string{"kty", `"RSA"`, "kid", `"` + kid + `"`, "use", `"sig"`, "alg", `"` + alg + `"`,
		"n", quote(key.N.Bytes()), "e", quote(big.NewInt(int64(key.E)).Bytes())}, edits)
}

func edJWK(key ed25519.PrivateKey, kid string, edits ...string) string {
	return edit([]string{"kty", `"OKP"`, "kid", `"` + kid + `"`, "use", `"sig"`, "alg", `"EdDSA"`, "crv", `"Ed25519"`,
		"x", quote(key.Public().(ed25519.PublicKey))}, edits)
}

func quote(v []byte) string { return `"` + b64(v) + `"` }
