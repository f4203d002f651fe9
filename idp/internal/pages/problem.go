package pages

import "time"

// Problem is why a form was not accepted, in words for the person who filled
// it in. One of a field is also said beside the field.
type Problem struct {
	Field string // the name of the input; "" for the form as a whole
	text  text
}

// Text is what is wrong, for the templates.
func (p Problem) Text() text { return p.text }

// The names of the inputs, as a form sends them.
const (
	FieldAction     = "action" // of the button that was pressed; one of the Action constants
	FieldCSRF       = "csrf"
	FieldRequest    = "request"
	FieldEmail      = "email"
	FieldName       = "name"
	FieldPassword   = "password"
	FieldCurrent    = "current_password"
	FieldNew        = "new_password"
	FieldInvitation = "invitation"
	FieldCode       = "user_code"
	FieldAccount    = "account" // the account that was chosen
	FieldID         = "id"      // the device or app that a button belongs to
)

// The values of the button that was pressed. A form that is sent with Enter
// sends the first.
const (
	ActionGo     = "go" // sign in, sign up, allow, continue
	ActionCancel = "cancel"
	ActionOther  = "other" // another account
	ActionAll    = "all"   // all other devices
)

// Problems of the form as a whole.
var (
	WrongPassword      = Problem{"", say("problem.wrong_password")}
	RegistrationClosed = Problem{"", say("problem.registration_closed")}
	FormExpired        = Problem{"", say("problem.form_expired")} // the csrf value is not, or no longer, good
)

// Throttled is too many attempts.
func Throttled(retryAfter time.Duration) Problem {
	return Problem{"", say("problem.throttled", "wait", retryAfter)}
}

// Busy is too many people at once.
func Busy(retryAfter time.Duration) Problem {
	return Problem{"", say("problem.busy", "wait", retryAfter)}
}

// Problems of one field.
var (
	EmailMissing      = Problem{FieldEmail, say("problem.email_missing")}
	EmailInvalid      = Problem{FieldEmail, say("problem.email_invalid")}
	EmailTaken        = Problem{FieldEmail, say("problem.email_taken")}
	NameTooLong       = Problem{FieldName, say("problem.name_long")}
	InvitationInvalid = Problem{FieldInvitation, say("problem.invitation_invalid")}
	CurrentMissing    = Problem{FieldCurrent, say("problem.current_missing")}
	CurrentWrong      = Problem{FieldCurrent, say("problem.current_wrong")}
	CodeMissing       = Problem{FieldCode, say("problem.code_missing")}
	CodeUnknown       = Problem{FieldCode, say("problem.code_unknown")}
	InvitationMissing = Problem{FieldInvitation, say("problem.invitation_missing")}
)

// PasswordMissing is of FieldPassword or FieldNew, as are those that follow.
func PasswordMissing(field string) Problem { return Problem{field, say("problem.password_missing")} }

// PasswordShort tells how many characters there must be.
func PasswordShort(field string, least int) Problem {
	return Problem{field, say("problem.password_short", "n", least)}
}

// PasswordLong is one of more than the 72 bytes that bcrypt reads.
func PasswordLong(field string) Problem { return Problem{field, say("problem.password_long")} }

// PasswordCommon is one that everybody guesses first.
func PasswordCommon(field string) Problem { return Problem{field, say("problem.password_common")} }

// PasswordIsEmail is the e-mail once more.
func PasswordIsEmail(field string) Problem { return Problem{field, say("problem.password_email")} }

// PasswordOdd holds what no keyboard types: a NUL, or no UTF-8.
func PasswordOdd(field string) Problem { return Problem{field, say("problem.password_odd")} }
