package interact

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/pages"
	"signet/idp/internal/signin"
)

// problem is what an error of package signin means to the person who filled
// the form in, with the status of the answer. password is the field of a new
// password. It is not ok for an error that is ours.
func (v *visit) problem(err error, password string) (status int, p pages.Problem, ok bool) {
	var throttled *signin.ThrottledError
	var busy *signin.BusyError
	var field *signin.FieldError
	switch {
	case errors.Is(err, signin.ErrWrongPassword):
		return http.StatusUnauthorized, pages.WrongPassword, true
	case errors.As(err, &throttled):
		v.retryAfter(throttled.RetryAfter)
		return http.StatusTooManyRequests, pages.Throttled(throttled.RetryAfter), true
	case errors.As(err, &busy):
		v.retryAfter(busy.RetryAfter)
		return http.StatusServiceUnavailable, pages.Busy(busy.RetryAfter), true
	case errors.Is(err, signin.ErrRegistrationClosed):
		return http.StatusForbidden, pages.RegistrationClosed, true
	case errors.Is(err, data.ErrEmailTaken):
		return http.StatusConflict, pages.EmailTaken, true
	case errors.Is(err, data.ErrNoInvitation):
		return http.StatusUnprocessableEntity, pages.InvitationInvalid, true
	case errors.As(err, &field):
		return http.StatusUnprocessableEntity, v.fieldProblem(field, password), true
	}
	return 0, p, false
}

func (v *visit) fieldProblem(e *signin.FieldError, password string) pages.Problem {
	switch {
	case e.Field == "email":
		return pages.EmailInvalid
	case e.Field == "invitation":
		return pages.InvitationMissing
	}
	switch e.Reason {
	case signin.ReasonMissing:
		return pages.PasswordMissing(password)
	case signin.ReasonShort:
		return pages.PasswordShort(password, v.Config.Passwords.MinLength)
	case signin.ReasonLong:
		return pages.PasswordLong(password)
	case signin.ReasonEmail:
		return pages.PasswordIsEmail(password)
	case signin.ReasonOdd:
		return pages.PasswordOdd(password)
	}
	return pages.PasswordCommon(password)
}

// retryAfter is in whole seconds (RFC 9110, section 10.2.3).
func (v *visit) retryAfter(d time.Duration) {
	v.c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(d.Seconds()))))
}

// maxName is the longest name of a person, in bytes.
const maxName = 200

// readName makes one line of a name.
func readName(typed string) (string, []pages.Problem) {
	name := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) { // as data.Profile has it
			return ' '
		}
		return r
	}, typed)), " ")
	if len(name) > maxName {
		return "", []pages.Problem{pages.NameTooLong}
	}
	return name, nil
}
