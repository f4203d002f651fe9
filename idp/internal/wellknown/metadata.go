package wellknown

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"github.com/labstack/echo/v4"

	"signet/resource/token"
)

// Metadata answers /.well-known/openid-configuration and
// /.well-known/oauth-authorization-server with one document.
type Metadata struct {
	body []byte
	etag string
}

// document is what RFC 8414, section 2, asks of an issuer, as far as it is
// there. Two lists stand there empty: response_types_supported is required,
// and a missing grant_types_supported would promise the authorization code.
type document struct {
	Issuer        string      `json:"issuer"`
	JWKSURI       string      `json:"jwks_uri"`
	ResponseTypes []string    `json:"response_types_supported"`
	GrantTypes    []string    `json:"grant_types_supported"`
	SubjectTypes  []string    `json:"subject_types_supported"`
	SigningAlgs   []token.Alg `json:"access_token_signing_alg_values_supported"`
}

// NewMetadata builds the document of issuer, whose access tokens are signed
// with one of algs.
func NewMetadata(issuer string, algs []token.Alg) (*Metadata, error) {
	body, err := json.Marshal(document{
		Issuer:        issuer,
		JWKSURI:       issuer + "/.well-known/jwks.json",
		ResponseTypes: []string{},
		GrantTypes:    []string{},
		SubjectTypes:  []string{"public"},
		SigningAlgs:   algs,
	})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &Metadata{body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, nil
}

// Get answers with the document.
func (m *Metadata) Get(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=300")
	return writeIfChanged(c, m.body, m.etag)
}
