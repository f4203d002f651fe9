package wire

import (
	"net/http"
	"time"
)

// Error values, as they stand in the "error" member of an answer. Those
// without a section of their own are Signet's.
const (
	CodeInvalidRequest = "invalid_request" // RFC 6749, section 5.2
	CodeInvalidGrant   = "invalid_grant"   // RFC 6749, section 5.2
	CodeInvalidToken   = "invalid_token"   // RFC 6750, section 3.1
	CodeInvalidTarget  = "invalid_target"  // RFC 8707, section 2
	CodeAccessDenied   = "access_denied"   // RFC 6749, section 4.1.2.1
	CodeServerError    = "server_error"    // RFC 6749, section 4.1.2.1
	CodeUnavailable    = "temporarily_unavailable"
	CodeTooManyTries   = "too_many_requests"
	CodeEmailTaken     = "email_taken"
	CodeNotFound       = "not_found"
	CodeMethod         = "method_not_allowed"
	CodeTooLarge       = "request_too_large"
	CodeMediaType      = "unsupported_media_type"
)

// Error is a failure that a client is told: a value, written in one place.
// Whatever is not such a value stays inside and becomes CodeServerError.
type Error struct {
	Status      int    // the HTTP status
	Code        string // the "error" member
	Description string // the "error_description" member: one sentence for a developer
	RetryAfter  time.Duration
	Challenge   string // the WWW-Authenticate header, where there is one
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
