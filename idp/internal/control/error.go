package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/signin"
	"signet/keys"
)

// Code says what kind of failure an Error is; the command makes an exit code
// of it.
type Code string

// The codes.
const (
	Usage     Code = "usage"      // what was asked makes no sense
	NoSuch    Code = "no_such"    // there is no such user, key …
	Refused   Code = "refused"    // it may not be done as things are
	NotReady  Code = "not_ready"  // it may not be done before Error.ReadyAt
	InUse     Code = "in_use"     // another process holds the store, and does not answer
	MasterKey Code = "master_key" // a master key is missing or wrong
	Busy      Code = "busy"       // the same may succeed in a moment
	Failed    Code = "failed"     // something broke
)

// Error is a failure as it travels from the issuer to the command.
type Error struct {
	Code    Code      `json:"code"`
	Message string    `json:"message"` // for people
	ReadyAt time.Time `json:"ready_at,omitzero"`

	cause error // stays in its process
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.cause }

func errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// status is the HTTP status of the codes. Only people with curl see it.
func (c Code) status() int {
	switch c {
	case Usage:
		return http.StatusBadRequest
	case NoSuch:
		return http.StatusNotFound
	case Refused, NotReady, InUse, MasterKey:
		return http.StatusConflict
	case Busy:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// sentinels tells the failures of the services apart. Each comes with its own
// words; those that name no subject are replaced where they arise.
var sentinels = []struct {
	is   error
	code Code
}{
	{data.ErrNoUser, NoSuch}, {data.ErrNoGrant, NoSuch}, {data.ErrNoInvitation, NoSuch},
	{data.ErrEmailTaken, Refused}, {data.ErrDisabled, Refused},
	{data.ErrSelector, Usage}, {data.ErrFuture, Usage},
	{data.ErrRole, Usage}, {data.ErrHash, Usage}, {data.ErrID, Usage},
	{keys.ErrReason, Usage}, {keys.ErrNoLine, Usage},
	{keys.ErrUnknownKey, NoSuch}, {keys.ErrGone, Refused}, {keys.ErrOvertaken, Refused},
	{keys.ErrWrongMasterKey, MasterKey}, {keys.ErrMasterKey, MasterKey},
	{kv.ErrBusy, Busy}, {keys.ErrContended, Busy}, {kv.ErrInUse, InUse},
}

// AsError gives any failure its code. An *Error stays what it is.
func AsError(err error) *Error {
	var known *Error
	var notReady *keys.NotReadyError
	var field *signin.FieldError
	var email *data.EmailError
	var profile *data.ProfileError
	var busy *signin.BusyError
	var metadata metadata.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &notReady):
		return &Error{Code: NotReady, Message: err.Error(), ReadyAt: notReady.ReadyAt}
	case errors.As(err, &field):
		return errorf(Usage, "the %s %s", field.Field, field.Problem)
	case errors.As(err, &email):
		return errorf(Usage, "not an e-mail address: %s", email.Problem)
	case errors.As(err, &metadata):
		return errorf(Usage, "%v", metadata)
	case errors.As(err, &profile):
		return errorf(Usage, "%s: %s", profile.Field, profile.Problem)
	case errors.As(err, &busy):
		return errorf(Busy, "the issuer is busy hashing passwords; try again in a moment")
	case errors.Is(err, context.Canceled):
		return errorf(Failed, "interrupted")
	}
	for _, s := range sentinels {
		if errors.Is(err, s.is) {
			return errorf(s.code, "%s", plain(err))
		}
	}
	return errorf(Failed, "%v", err)
}

// plain leaves out which package found it: the owner of an issuer knows none
// of them.
func plain(err error) string {
	text := err.Error()
	for _, name := range []string{"data: ", "keys: ", "kv: "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}
