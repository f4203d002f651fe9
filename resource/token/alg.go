package token

import (
	"slices"
	"strings"
)

// Alg is a signature algorithm by its JWS name (RFC 7518 section 3.1).
type Alg string

// The algorithms that Signet signs and verifies with. There is no symmetric
// one, and none is no algorithm.
const (
	ES256 Alg = "ES256" // ECDSA on P-256 with SHA-256
	RS256 Alg = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	PS256 Alg = "PS256" // RSASSA-PSS with SHA-256
	EdDSA Alg = "EdDSA" // Ed25519 (RFC 8037)
)

// Algs lists every algorithm that this package knows.
func Algs() []Alg { return []Alg{ES256, RS256, PS256, EdDSA} }

// Known says whether a is one of Algs. Names are case-sensitive.
func (a Alg) Known() bool { return slices.Contains(Algs(), a) }

// The typ of what Signet signs, as it is written into the header. Every kind
// has its own, so that none passes for another (RFC 8725 section 3.11).
const (
	TypAccess        = "at+jwt"                  // RFC 9068 section 2.1
	TypID            = "JWT"                     // OpenID Connect Core
	TypStatusList    = "statuslist+jwt"          // Token Status List
	TypIntrospection = "token-introspection+jwt" // RFC 9701 section 5
	TypLogout        = "logout+jwt"              // OpenID Connect Back-Channel Logout
	TypDPoP          = "dpop+jwt"                // RFC 9449, made by clients
)

// IsTyp says whether a header's typ means want. A typ is a media type: it is
// compared without regard to case, and may carry the prefix "application/"
// that is usually left out (RFC 7515 section 4.1.9, RFC 9068 section 4).
func IsTyp(got, want string) bool {
	const prefix = "application/"
	if len(got) > len(prefix) && strings.EqualFold(got[:len(prefix)], prefix) {
		got = got[len(prefix):]
	}
	return strings.EqualFold(got, want)
}
