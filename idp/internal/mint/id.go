package mint

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"signet/keys"
	"signet/resource/token"
)

// ErrNoKeyYet says that the algorithm is configured, and has no key that may
// sign yet: it was added a moment ago.
var ErrNoKeyYet = errors.New("mint: the algorithm has no key yet that may sign")

// ID is what an ID token says (OpenID Connect Core, section 2). The issuer,
// the times and the hashes are mint's to add.
type ID struct {
	Subject  string
	ClientID string
	Alg      token.Alg // what the client registered
	TTL      time.Duration
	Nonce    string
	SID      string // Front-Channel Logout, section 3
	ACR      string
	AMR      []string
	AuthTime time.Time

	// What is given out together with it: at_hash, c_hash (Core, section
	// 3.3.2.11) and s_hash (FAPI 1.0 Advanced, section 5.1) are of these.
	AccessToken, Code, State string

	// Claims are further claims about the person. What a protocol gives a
	// meaning is left out of them (see reserved).
	Claims map[string]any
}

// reserved are the claims that something is decided by: those of JWT and of an
// ID token (RFC 7519, section 4.1; OpenID Connect Core, sections 2, 3.1.3.6 and
// 3.3.2.11), and those that make another kind of token. A claim about a person
// is none of them, whoever asked for it by that name.
var reserved = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti",
	"azp", "nonce", "auth_time", "acr", "amr", "at_hash", "c_hash", "s_hash", "sid",
	"cnf", "act", "may_act", "client_id", "scope", "roles", "status", "events", "token_introspection",
}

// further returns the claims without those that are reserved.
func further(claims map[string]any) map[string]any {
	out := make(map[string]any, len(claims)+len(reserved))
	for name, value := range claims {
		if !slices.Contains(reserved, name) {
			out[name] = value
		}
	}
	return out
}

// ID checks the claims of an ID token.
func (m *Mint) ID(i ID) (*Checked, error) {
	if i.Subject == "" || i.ClientID == "" {
		return nil, fmt.Errorf("%w: sub and aud are required (OpenID Connect Core, section 2)", ErrClaims)
	}
	claims := further(i.Claims)
	claims["sub"], claims["aud"], claims["azp"] = i.Subject, i.ClientID, i.ClientID
	set(claims, "nonce", i.Nonce)
	set(claims, "sid", i.SID)
	set(claims, "acr", i.ACR)
	if len(i.AMR) > 0 {
		claims["amr"] = i.AMR
	}
	if !i.AuthTime.IsZero() {
		claims["auth_time"] = i.AuthTime.Unix()
	}
	for name, of := range map[string]string{"at_hash": i.AccessToken, "c_hash": i.Code, "s_hash": i.State} {
		if of != "" {
			claims[name] = halfHash(i.Alg, of)
		}
	}
	return m.checkUntil(i.Alg, token.TypID, i.TTL, claims)
}

func set(claims map[string]any, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

// halfHash is the left half of the hash that the algorithm uses (OpenID
// Connect Core, section 3.1.3.6). Ed25519 uses SHA-512.
func halfHash(alg token.Alg, of string) string {
	if alg == token.EdDSA {
		sum := sha512.Sum512([]byte(of))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(of))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Userinfo checks the claims of a signed userinfo answer for the client
// (OpenID Connect Core, section 5.3.2). claims has the sub. The answer has no
// exp: it looks much like an ID token, and without one no client takes it for
// that (Core, sections 2 and 3.1.3.7; RFC 8725, section 3.12).
func (m *Mint) Userinfo(alg token.Alg, clientID string, claims map[string]any) (*Checked, error) {
	sub, _ := claims["sub"].(string)
	if sub == "" || clientID == "" {
		return nil, fmt.Errorf("%w: sub and aud are required (OpenID Connect Core, section 5.3.2)", ErrClaims)
	}
	out := further(claims)
	out["sub"], out["aud"] = sub, clientID
	return m.check(alg, token.TypID, 0, out)
}

// Introspection checks the claims of a signed answer to an introspection (RFC
// 9701, section 5): what the plain answer would say, for the one who asked. It
// has no exp, since it is no token.
func (m *Mint) Introspection(alg token.Alg, clientID string, answer any) (*Checked, error) {
	if clientID == "" {
		return nil, fmt.Errorf("%w: aud is required (RFC 9701, section 5)", ErrClaims)
	}
	return m.check(alg, token.TypIntrospection, 0, map[string]any{"aud": clientID, "token_introspection": answer})
}

// Logout is what a logout token says (OpenID Connect Back-Channel Logout,
// section 2.4).
type Logout struct {
	ClientID string
	Alg      token.Alg
	Subject  string
	SID      string // "": all sessions of the subject
	JTI      string
}

// Logout checks the claims of a logout token.
func (m *Mint) Logout(l Logout) (*Checked, error) {
	if l.ClientID == "" || l.Subject == "" && l.SID == "" || l.JTI == "" {
		return nil, fmt.Errorf("%w: aud, jti, and one of sub and sid are required (Back-Channel Logout, section 2.4)", ErrClaims)
	}
	claims := map[string]any{"aud": l.ClientID, "jti": l.JTI,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	set(claims, "sub", l.Subject)
	set(claims, "sid", l.SID)
	return m.checkUntil(l.Alg, token.TypLogout, logoutTTL, claims)
}

// logoutTTL is short: the token is signed when it is sent (OpenID Connect
// Back-Channel Logout, section 2.4).
const logoutTTL = 2 * time.Minute

// checkUntil is check for what ends by itself.
func (m *Mint) checkUntil(alg token.Alg, typ string, ttl time.Duration, claims map[string]any) (*Checked, error) {
	if ttl < time.Second {
		return nil, fmt.Errorf("%w: the token would have ended before it began", ErrClaims)
	}
	return m.check(alg, typ, ttl, claims)
}

// check adds issuer and times; with a ttl of 0 there is no exp. The client
// counts on its own algorithm, so no other line steps in for one that has no
// key yet.
func (m *Mint) check(alg token.Alg, typ string, ttl time.Duration, claims map[string]any) (*Checked, error) {
	signer, err := m.signer(alg)
	if err != nil {
		return nil, err
	}
	ttl = min(ttl, signer.MaxLifetime()).Truncate(time.Second)
	now := m.now().Truncate(time.Second)
	claims["iss"], claims["iat"] = m.issuer, now.Unix()
	if ttl > 0 {
		claims["exp"] = now.Add(ttl).Unix()
	}
	payload, err := json.Marshal(claims, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return &Checked{signer: signer, typ: typ, payload: payload, ttl: ttl}, nil
}

func (m *Mint) signer(alg token.Alg) (*keys.Signer, error) {
	signer, err := m.ring.Snapshot().Signer(alg)
	if err == nil && signer.Alg() != alg {
		err = fmt.Errorf("%w: %s", ErrNoKeyYet, alg)
	}
	return signer, err
}
