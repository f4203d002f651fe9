package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/data/kv"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/signin"
	"signet/idp/internal/wire"
	"signet/keys"
)

// errorWriter is the one place that turns an error into an answer.
type errorWriter struct {
	logger *slog.Logger
	page   func(c echo.Context, e *wire.Error, requestID string) error // for people
}

func (w *errorWriter) write(err error, c echo.Context) {
	if c.Response().Committed {
		return // the client has its answer
	}
	e := toWire(err)
	if !errors.Is(err, context.Canceled) { // it has gone, most likely
		w.log(err, e, c)
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store")
	if e.Challenge != "" {
		h.Set(echo.HeaderWWWAuthenticate, e.Challenge)
	}
	if e.DPoPNonce != "" {
		h.Set("DPoP-Nonce", e.DPoPNonce)
	}
	if e.RetryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	people, _ := c.Get(peopleKey).(bool)
	var failed error
	switch people = people || strayed(err, c); {
	case c.Request().Method == http.MethodHead:
		failed = c.NoContent(e.Status)
	case people && w.page != nil:
		failed = w.page(c, e, h.Get(requestID))
	default:
		failed = c.JSON(e.Status, struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}{e.Code, e.Description})
	}
	if failed != nil {
		w.logger.Debug("the error could not be sent", "error", failed)
	}
}

// strayed tells whether somebody sees the answer who looks for a page that is
// not there: browsers ask for HTML, and programs do not.
func strayed(err error, c echo.Context) bool {
	return errors.Is(err, echo.ErrNotFound) && strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/html")
}

func (w *errorWriter) log(err error, e *wire.Error, c echo.Context) {
	level := slog.LevelInfo
	// A full hashing room, and a request for what we never do, are what
	// strangers make of it, not failures of ours.
	if e.Status >= http.StatusInternalServerError && e.Status != http.StatusNotImplemented && !errors.Is(err, signin.ErrBusy) {
		level = slog.LevelError
	}
	if errors.Is(err, kv.ErrUnavailable) || errors.Is(err, keys.ErrLease) {
		level = slog.LevelDebug // all requests meet it: whoever renews the keys has said it once
	}
	ctx := c.Request().Context()
	if !w.logger.Enabled(ctx, level) {
		return
	}
	cause := err
	if e.Cause != nil {
		cause = e.Cause
	}
	// The route and not the path: what a stranger typed stays out of the log.
	w.logger.Log(ctx, level, "request refused", "id", c.Response().Header().Get(requestID),
		"method", c.Request().Method, "route", c.Path(), "status", e.Status, "code", e.Code, "from", c.RealIP(), "cause", cause)
	var p *panicError
	if errors.As(err, &p) {
		w.logger.Error("panic", "stack", string(p.stack))
	}
}

// toWire maps what the services say to what the protocol says. Whatever is
// not named here stays inside.
func toWire(err error) *wire.Error {
	var e *wire.Error
	if errors.As(err, &e) {
		return e
	}
	for _, translate := range []func(error) *wire.Error{credentials, requests, outages, router} {
		if e := translate(err); e != nil {
			return e
		}
	}
	return &wire.Error{Status: http.StatusInternalServerError, Code: wire.CodeServerError,
		Description: "Something went wrong on our side; the request id leads to it in the log."}
}

// credentials are failures to prove who asks. They say the same for every
// reason.
func credentials(err error) *wire.Error {
	var throttled *signin.ThrottledError
	switch {
	case errors.Is(err, grant.ErrInvalid):
		return wire.InvalidGrant("The refresh token is not valid; sign in again.", err)
	case errors.Is(err, signin.ErrWrongPassword):
		return wire.InvalidGrant("The e-mail or the password is wrong.", err)
	case errors.As(err, &throttled):
		return wire.TooMany("Too many attempts; try again later.", throttled.RetryAfter)
	}
	return nil
}

func requests(err error) *wire.Error {
	var field *signin.FieldError
	switch {
	case errors.As(err, &field):
		return wire.Field(field.Field, field.Problem)
	case errors.Is(err, data.ErrEmailTaken):
		return &wire.Error{Status: http.StatusConflict, Code: wire.CodeEmailTaken, Description: "There is an account with this e-mail already."}
	case errors.Is(err, data.ErrNoInvitation):
		return wire.Field("invitation", "it is not valid, or not any more")
	case errors.Is(err, signin.ErrRegistrationClosed):
		return &wire.Error{Status: http.StatusForbidden, Code: wire.CodeAccessDenied, Description: "Registration is closed here."}
	case errors.Is(err, mint.ErrAudience):
		return &wire.Error{Status: http.StatusBadRequest, Code: wire.CodeInvalidTarget, Description: "There is no such audience."}
	}
	return nil
}

// outages are ours, and pass: the client may come back.
func outages(err error) *wire.Error {
	var busy *signin.BusyError
	switch {
	case errors.As(err, &busy):
		return wire.Unavailable("Too many people are signing in at this moment; try again.", busy.RetryAfter, err)
	case errors.Is(err, context.Canceled):
		// Who half-closed the connection looks gone and still reads. With no
		// answer of ours the server would send an empty 200: a logout that
		// did not happen would look as if it had.
		return wire.Unavailable("The request was cut off.", time.Second, err)
	case errors.Is(err, keys.ErrLease), errors.Is(err, kv.ErrUnavailable):
		return wire.Unavailable("The issuer cannot reach its store.", time.Second, err)
	case errors.Is(err, mint.ErrNoKeyYet):
		return wire.Unavailable("The client's signing algorithm was added a moment ago and has no key yet.", time.Minute, err)
	case errors.Is(err, kv.ErrBusy), errors.Is(err, context.DeadlineExceeded):
		return wire.Unavailable("The store is busy; try again.", time.Second, err)
	case errors.Is(err, kv.ErrNoSpace), errors.Is(err, kv.ErrReadOnly), errors.Is(err, kv.ErrFailed), errors.Is(err, kv.ErrClosed):
		return wire.Unavailable("The store takes no changes now.", 10*time.Second, err)
	}
	return nil
}

// router are the failures that Echo finds before any endpoint.
func router(err error) *wire.Error {
	var he *echo.HTTPError
	if !errors.As(err, &he) {
		return nil
	}
	switch he.Code {
	case http.StatusNotFound:
		return &wire.Error{Status: he.Code, Code: wire.CodeNotFound, Description: "There is nothing at this address."}
	case http.StatusMethodNotAllowed:
		return &wire.Error{Status: he.Code, Code: wire.CodeMethod, Description: "This address does not take this method; see the Allow header."}
	}
	return nil
}

// panicError is a panic of an endpoint, with its stack for the log.
type panicError struct {
	value any
	stack []byte
}

func newPanic(value any) error { return &panicError{value: value, stack: debug.Stack()} }

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }
