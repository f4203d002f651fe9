package wire

// Grant types (RFC 7591, section 2, and where each is defined).
const (
	GrantAuthorizationCode = "authorization_code"                              // RFC 6749, section 4.1.3
	GrantRefreshToken      = "refresh_token"                                   // RFC 6749, section 6
	GrantClientCredentials = "client_credentials"                              // RFC 6749, section 4.4.2
	GrantImplicit          = "implicit"                                        // RFC 6749, section 4.2
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628, section 3.4
	GrantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693, section 2.1
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523, section 2.1
)

// Ways of a client to authenticate (OpenID Connect Core, section 9).
const (
	AuthNone              = "none"
	AuthClientSecretBasic = "client_secret_basic"
	AuthClientSecretPost  = "client_secret_post"
	AuthClientSecretJWT   = "client_secret_jwt"
	AuthPrivateKeyJWT     = "private_key_jwt"
)

// AssertionJWTBearer is the client_assertion_type of a JWT (RFC 7523, section
// 2.2).
const AssertionJWTBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Types of tokens (RFC 8693, section 3).
const (
	TokenTypeAccess  = "urn:ietf:params:oauth:token-type:access_token"
	TokenTypeRefresh = "urn:ietf:params:oauth:token-type:refresh_token"
	TokenTypeID      = "urn:ietf:params:oauth:token-type:id_token"
	TokenTypeJWT     = "urn:ietf:params:oauth:token-type:jwt"
)

// RequestURIPrefix begins the request_uri of a pushed authorization request
// (RFC 9126, section 2.2).
const RequestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// Scopes of OpenID Connect Core, sections 3.1.2.1, 5.4 and 11.
const (
	ScopeOpenID        = "openid"
	ScopeProfile       = "profile"
	ScopeEmail         = "email"
	ScopeAddress       = "address"
	ScopePhone         = "phone"
	ScopeOfflineAccess = "offline_access"
)

// ScopeRoles lets a client act with the person's roles, where the operator has
// declared it.
const ScopeRoles = "roles"
