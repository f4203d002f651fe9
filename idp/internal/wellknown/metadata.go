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
type Metadata struct{ document publication }

// Capabilities are what the issuer can do, as far as that is not the same for
// every one.
type Capabilities struct {
	Issuer        string
	Algs          []token.Alg // of access and ID tokens
	AssertionAlgs []string    // of what clients sign: assertions and request objects
	SecretAlgs    []string    // of assertions that are made with a client's secret
	DPoPAlgs      []string
	Scopes        []string
	Claims        []string
	ACRValues     []string
	Locales       []string
	TrustsIssuers bool // there are issuers whose JWTs are grants
	Registration  bool // clients may register themselves
	SignUp        bool // people may register themselves
	Documents     bool // a client_id may be the URL of a metadata document
	RequirePushed bool
	CheckSession  bool
}

// document is RFC 8414, section 2, OpenID Connect Discovery, section 3, and
// what the specifications beside the lines add to them.
type document struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Userinfo      string   `json:"userinfo_endpoint"`
	JWKSURI       string   `json:"jwks_uri"`
	Registration  string   `json:"registration_endpoint,omitzero"`
	Revocation    string   `json:"revocation_endpoint"`
	Introspection string   `json:"introspection_endpoint"`
	Pushed        string   `json:"pushed_authorization_request_endpoint"` // RFC 9126, section 5
	Device        string   `json:"device_authorization_endpoint"`         // RFC 8628, section 4
	EndSession    string   `json:"end_session_endpoint"`                  // RP-Initiated Logout, section 2.1
	CheckSession  string   `json:"check_session_iframe,omitzero"`         // Session Management, section 3.3
	StatusLists   string   `json:"status_list_aggregation_endpoint"`      // Token Status List, section 9.1
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	ResponseModes []string `json:"response_modes_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	ACRValues     []string `json:"acr_values_supported"`
	Claims        []string `json:"claims_supported"`
	ClaimTypes    []string `json:"claim_types_supported"`
	Display       []string `json:"display_values_supported"`
	Prompts       []string `json:"prompt_values_supported"` // Initiating User Registration, section 3
	Locales       []string `json:"ui_locales_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"` // RFC 7636

	AccessAlgs        []token.Alg `json:"access_token_signing_alg_values_supported"`
	IDTokenAlgs       []token.Alg `json:"id_token_signing_alg_values_supported"`
	UserinfoAlgs      []token.Alg `json:"userinfo_signing_alg_values_supported"`
	IntrospectionAlgs []token.Alg `json:"introspection_signing_alg_values_supported"` // RFC 9701, section 7
	RequestAlgs       []string    `json:"request_object_signing_alg_values_supported"`
	DPoPAlgs          []string    `json:"dpop_signing_alg_values_supported"` // RFC 9449, section 5.1

	TokenAuth             []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAuth        []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuth     []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`

	ClaimsParameter     bool `json:"claims_parameter_supported"`
	RequestParameter    bool `json:"request_parameter_supported"`
	RequestURI          bool `json:"request_uri_parameter_supported"`
	RequestRegistration bool `json:"require_request_uri_registration"`
	RequirePushed       bool `json:"require_pushed_authorization_requests"`
	SignedRequired      bool `json:"require_signed_request_object"`                  // RFC 9101, section 10.5
	IssuerInAnswer      bool `json:"authorization_response_iss_parameter_supported"` // RFC 9207, section 3
	Documents           bool `json:"client_id_metadata_document_supported,omitzero"` // Client ID Metadata Document
	FrontLogout         bool `json:"frontchannel_logout_supported"`
	FrontLogoutSession  bool `json:"frontchannel_logout_session_supported"`
	BackLogout          bool `json:"backchannel_logout_supported"`
	BackLogoutSession   bool `json:"backchannel_logout_session_supported"`
}

// NewMetadata builds the document.
func NewMetadata(c Capabilities) (*Metadata, error) {
	body, err := json.Marshal(c.document())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return &Metadata{publication{body: body, contentType: typeJSON, etag: []string{etag}, length: lengthOf(body)}}, nil
}

var metadataCached = []string{"public, max-age=300"}

// Get answers with the document.
func (m *Metadata) Get(c echo.Context) error {
	c.Response().Header()[echo.HeaderCacheControl] = metadataCached
	return m.document.write(c)
}
