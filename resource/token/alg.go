package token

// Alg names a signature algorithm as in RFC 7518, section 3.1, and RFC 8037.
type Alg string

const (
	ES256 Alg = "ES256"
	RS256 Alg = "RS256"
	PS256 Alg = "PS256"
	EdDSA Alg = "EdDSA"
)
