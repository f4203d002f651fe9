package wire

import (
	"net/http"
	"time"
)

// Error values, as they stand in the "error" member of an answer. Those
// without a section of their own are Signet's.
const (
	CodeInvalidRequest          = "invalid_request"               // RFC 6749, section 5.2
	CodeInvalidClient           = "invalid_client"                // RFC 6749, section 5.2
	CodeInvalidGrant            = "invalid_grant"                 // RFC 6749, section 5.2
	CodeUnauthorizedClient      = "unauthorized_client"           // RFC 6749, section 5.2
	CodeUnsupportedGrantType    = "unsupported_grant_type"        // RFC 6749, section 5.2
	CodeInvalidScope            = "invalid_scope"                 // RFC 6749, section 5.2
	CodeAccessDenied            = "access_denied"                 // RFC 6749, section 4.1.2.1
	CodeUnsupportedResponseType = "unsupported_response_type"     // RFC 6749, section 4.1.2.1
	CodeServerError             = "server_error"                  // RFC 6749, section 4.1.2.1
	CodeUnavailable             = "temporarily_unavailable"       // RFC 6749, section 4.1.2.1
	CodeInvalidToken            = "invalid_token"                 // RFC 6750, section 3.1
	CodeInsufficientScope       = "insufficient_scope"            // RFC 6750, section 3.1
	CodeUnsupportedTokenType    = "unsupported_token_type"        // RFC 7009, section 2.2.1
	CodeInvalidRedirectURI      = "invalid_redirect_uri"          // RFC 7591, section 3.2.2
	CodeInvalidClientMetadata   = "invalid_client_metadata"       // RFC 7591, section 3.2.2
	CodeUnapprovedStatement     = "unapproved_software_statement" // RFC 7591, section 3.2.2
	CodeAuthorizationPending    = "authorization_pending"         // RFC 8628, section 3.5
	CodeSlowDown                = "slow_down"                     // RFC 8628, section 3.5
	CodeExpiredToken            = "expired_token"                 // RFC 8628, section 3.5
	CodeInvalidTarget           = "invalid_target"                // RFC 8707, section 2
	CodeInvalidDPoPProof        = "invalid_dpop_proof"            // RFC 9449, section 5
	CodeUseDPoPNonce            = "use_dpop_nonce"                // RFC 9449, section 8

	CodeInteractionRequired      = "interaction_required"       // OpenID Connect Core, section 3.1.2.6
	CodeLoginRequired            = "login_required"             // the same, as those below
	CodeAccountSelectionRequired = "account_selection_required" //
	CodeConsentRequired          = "consent_required"           //
	CodeInvalidRequestURI        = "invalid_request_uri"        //
	CodeInvalidRequestObject     = "invalid_request_object"     //
	CodeRequestNotSupported      = "request_not_supported"      //
	CodeRequestURINotSupported   = "request_uri_not_supported"  //
	CodeRegistrationNotSupported = "registration_not_supported" //

	// OpenID Connect Core Error Code unmet_authentication_requirements
	CodeUnmetAuthentication = "unmet_authentication_requirements"

	CodeTooManyTries = "too_many_requests"
	CodeEmailTaken   = "email_taken"
	CodeNotFound     = "not_found"
	CodeMethod       = "method_not_allowed"
	CodeTooLarge     = "request_too_large"
	CodeMediaType    = "unsupported_media_type"
)

// Error is a failure that a client is told: a value, written in one place.
// Whatever is not such a value stays inside and becomes CodeServerError.
type Error struct {
	Status      int    // the HTTP status
	Code        string // the "error" member
	Description string // the "error_description" member: one sentence for a developer
	RetryAfter  time.Duration
	Challenge   string // the WWW-Authenticate header, where there is one
	DPoPNonce   string // the DPoP-Nonce header, where there is one (RFC 9449, section 8)
	Cause       error  // for the log only
}

// Error gives the code and the description.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Invalid is a request that cannot be understood or breaks a rule.
func Invalid(description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: CodeInvalidRequest, Description: description}
}

// Field is Invalid for one named member of the body.
func Field(name, problem string) *Error { return Invalid(name + ": " + problem) }

// Refuse is a failure of an OAuth endpoint, with the status that RFC 6749,
// section 5.2, gives nearly all of them.
func Refuse(code, description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Description: description}
}

// Because is e with the cause for the log.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// InvalidGrant is a credential that does not hold: a password, a refresh
// token. It says the same whatever the reason was. The JSON API answers it
// with 401; RFC 6749 asks for 400 at the token endpoint.
func InvalidGrant(description string, cause error) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidGrant, Description: description, Cause: cause}
}

// Unavailable asks the client to come back: nothing was changed that it could
// rely on.
func Unavailable(description string, retryAfter time.Duration, cause error) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Description: description, RetryAfter: retryAfter, Cause: cause}
}

// TooMany refuses a client that tries too often.
func TooMany(description string, retryAfter time.Duration) *Error {
	return &Error{Status: http.StatusTooManyRequests, Code: CodeTooManyTries, Description: description, RetryAfter: retryAfter}
}
