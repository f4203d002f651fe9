package dpop

import (
	"crypto/sha256"
	"crypto/subtle"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/resource/token"
)

// Bounds on what is read, in bytes. The largest honest proof, signed with an
// RSA key of 8192 bits, takes about 4 KiB.
const (
	MaxLength = 8 << 10 // of a proof
	MaxJTI    = 256     // of its jti (RFC 9449 section 11.1)
	maxURL    = 4 << 10
)

// Expect is what a proof must fit.
type Expect struct {
	Method string // of the request, compared exactly
	URL    string // of the request as its client sees it; query and fragment do not matter

	// AccessToken is the token that the request presents. Where it presents
	// none, as at the token endpoint, it is empty and ath does not matter.
	AccessToken string

	Now    time.Time
	MaxAge time.Duration // how long after its iat a proof is good
	Skew   time.Duration // how far ahead of Now its iat may be

	Algs []string // those of Algs that are accepted; nil for all of them
}

// Proof is what a verified proof says.
type Proof struct {
	JKT      string // RFC 7638 thumbprint of the key that it was signed with
	JTI      string
	Nonce    string // empty where there is none
	IssuedAt time.Time

	// ID names the proof where proofs are remembered: a hash over key and jti.
	// After Until it need not be, since Verify refuses it for its age, also on
	// a node whose clock is behind by the skew.
	ID    [32]byte
	Until time.Time

	ath [32]byte // SHA-256 of the access token that it was verified for
}

// For says whether the proof was verified together with this access token.
func (p Proof) For(accessToken string) bool {
	sum := sha256.Sum256([]byte(accessToken))
	return subtle.ConstantTimeCompare(p.ath[:], sum[:]) == 1
}

// claims is the payload of a proof (RFC 9449 section 4.2). Others may be there
// and say nothing.
type claims struct {
	JTI       string         `json:"jti"`
	Method    string         `json:"htm"`
	URL       string         `json:"htu"`
	IssuedAt  jsontext.Value `json:"iat"`
	Expiry    jsontext.Value `json:"exp"`
	NotBefore jsontext.Value `json:"nbf"`
	Hash      string         `json:"ath"`
	Nonce     string         `json:"nonce"`
}

// Verify checks the value of a DPoP header as RFC 9449 section 4.3 says, the
// cheap parts first. Every error is ErrProof.
func Verify(proof string, e Expect) (Proof, error) {
	c, err := token.ParseCompactLimit(proof, MaxLength)
	if err != nil {
		return Proof{}, ErrMalformed
	}
	alg := string(c.Header.Alg)
	if err := checkHeader(c.Header, e.Algs); err != nil {
		return Proof{}, err
	}
	var says claims
	if json.Unmarshal(c.Payload, &says) != nil {
		return Proof{}, ErrClaims
	}
	iat, err := says.check(e)
	if err != nil {
		return Proof{}, err
	}
	var header struct {
		Key jsontext.Value `json:"jwk"`
	}
	if json.Unmarshal(c.Protected, &header) != nil {
		return Proof{}, ErrHeader
	}
	key, jkt, err := parseKey(header.Key, alg)
	if err != nil {
		return Proof{}, err
	}
	if err := algorithms[alg].verify(key, c.SigningInput, c.Signature); err != nil {
		return Proof{}, err
	}
	p := Proof{JKT: jkt, JTI: says.JTI, Nonce: says.Nonce, IssuedAt: iat, ID: name(jkt, says.JTI), Until: iat.Add(e.MaxAge + e.Skew)}
	if e.AccessToken != "" {
		p.ath = sha256.Sum256([]byte(e.AccessToken))
	}
	return p, nil
}

// checkHeader wants the proof's own key and no other word about keys, and asks
// for no extension, since none is understood (RFC 7515 section 4.1.11).
func checkHeader(h token.Header, algs []string) error {
	alg := string(h.Alg)
	switch {
	case !token.IsTyp(h.Typ, token.TypDPoP): // RFC 9449 section 11.5
		return ErrTyp
	case !Known(alg), algs != nil && !slices.Contains(algs, alg):
		return ErrAlgorithm
	case h.Crit || h.Coded || h.JKU || h.X5U || h.X5C || !h.JWK:
		return ErrHeader
	}
	return nil
}

// check compares the claims with what is expected, and returns iat.
func (c claims) check(e Expect) (time.Time, error) {
	iat, ok := date(c.IssuedAt)
	if !ok || c.JTI == "" || len(c.JTI) > MaxJTI || c.Method == "" || c.URL == "" {
		return time.Time{}, ErrClaims
	}
	exp, nbf := e.Now.Add(time.Second), e.Now
	if c.Expiry != nil {
		if exp, ok = date(c.Expiry); !ok {
			return time.Time{}, ErrClaims
		}
	}
	if c.NotBefore != nil {
		if nbf, ok = date(c.NotBefore); !ok {
			return time.Time{}, ErrClaims
		}
	}
	latest := e.Now.Add(e.Skew)
	switch {
	case c.Method != e.Method:
		return time.Time{}, ErrMethod
	case !sameURL(c.URL, e.URL):
		return time.Time{}, ErrURL
	case !e.Now.Before(iat.Add(e.MaxAge)), !e.Now.Before(exp):
		return time.Time{}, ErrExpired
	case iat.After(latest), nbf.After(latest):
		return time.Time{}, ErrNotYet
	case e.AccessToken != "" && subtle.ConstantTimeCompare([]byte(c.Hash), []byte(hash(e.AccessToken))) != 1:
		return time.Time{}, ErrToken
	}
	return iat, nil
}

// date reads a NumericDate (RFC 7519 section 2). Fractions are allowed there,
// and clients that divide milliseconds write them; they are cut off.
func date(raw jsontext.Value) (time.Time, bool) {
	if raw.Kind() != '0' || len(raw) > 32 {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 1 || seconds > 253402300799 { // the last second of the year 9999
		return time.Time{}, false
	}
	return time.Unix(int64(math.Floor(seconds)), 0), true
}

// name is what a proof is remembered by. A thumbprint has one length, so no
// two pairs are written alike.
func name(jkt, jti string) [32]byte {
	return sha256.Sum256([]byte("signet dpop proof\x00" + jkt + jti))
}
