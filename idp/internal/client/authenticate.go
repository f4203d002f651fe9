package client

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"signet/data"
	"signet/idp/internal/wire"
)

// Names of parameters (RFC 6749, section 2.3.1; RFC 7521, section 4.2).
const (
	paramClientID      = "client_id"
	paramClientSecret  = "client_secret"
	paramAssertion     = "client_assertion"
	paramAssertionType = "client_assertion_type"
)

// Why a client is not authenticated. For the log: the answer is the same.
var (
	errMethod    = errors.New("client: another way to authenticate than the registered one")
	errSecret    = errors.New("client: wrong secret")
	errNoID      = errors.New("client: no client is named")
	errBasic     = errors.New("client: malformed Authorization header")
	errAssertion = errors.New("client: the assertion does not hold")
)

// claim is how a request says who its client is.
type claim struct {
	method string // how it authenticates
	id     string
	secret string
	header bool // in the Authorization header
}

// refused is the one answer to all that does not authenticate a client, known
// or not (RFC 6749, section 5.2).
func (c claim) refused(cause error) *wire.Error {
	e := &wire.Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidClient,
		Description: "the client is not known, or did not authenticate as it has registered", Cause: cause}
	if c.header {
		e.Challenge = `Basic realm="signet", charset="UTF-8"`
	}
	return e
}

// Authenticate finds out which client sends the form, and that it is that one,
// by exactly the method that it registered (RFC 6749, section 2.3; RFC 7523,
// section 3). The error is an *wire.Error: invalid_client with 401, or
// invalid_request for what cannot be one client in one way.
//
// A public client is not proved; it only says who it is.
func (r *Registry) Authenticate(ctx context.Context, req *http.Request, form wire.Form) (*Client, error) {
	claim, err := read(req, form)
	if err != nil {
		return nil, err
	}
	return r.authenticate(ctx, claim, form)
}

func (r *Registry) authenticate(ctx context.Context, claim claim, form wire.Form) (*Client, error) {
	if claim.method == wire.AuthPrivateKeyJWT {
		return r.assert(ctx, claim, form)
	}
	c, err := r.Find(ctx, claim.id)
	switch {
	case errors.Is(err, ErrUnknown):
		c = nil
	case err != nil:
		return nil, err
	}
	// An unknown client costs what a wrong secret does.
	good := r.hasSecret(c, data.HashOf(claim.secret))
	switch {
	case c == nil:
		return nil, claim.refused(ErrUnknown)
	case c.AuthMethod != claim.method:
		return nil, claim.refused(errMethod)
	case claim.method != wire.AuthNone && !good:
		return nil, claim.refused(errSecret)
	}
	return c, nil
}

// read finds the one method that the request uses.
func read(req *http.Request, form wire.Form) (claim, error) {
	id, headers := form.Get(paramClientID), req.Header.Values("Authorization")
	ways := 0
	for _, used := range []bool{len(headers) > 0, form.Has(paramClientSecret), form.Has(paramAssertion) || form.Has(paramAssertionType)} {
		if used {
			ways++
		}
	}
	switch {
	case ways > 1 || len(headers) > 1:
		return claim{}, wire.Invalid("the client authenticates in more than one way (RFC 6749, section 2.3)")
	case len(headers) == 1:
		return readBasic(headers[0], id)
	case form.Has(paramAssertion):
		return claim{method: wire.AuthPrivateKeyJWT, id: id}, nil // or client_secret_jwt
	case form.Has(paramAssertionType):
		return claim{}, wire.Field(paramAssertion, "it is missing")
	case id == "":
		return claim{}, claim{}.refused(errNoID)
	case form.Has(paramClientSecret):
		return claim{method: wire.AuthClientSecretPost, id: id, secret: form.Get(paramClientSecret)}, nil
	}
	return claim{method: wire.AuthNone, id: id}, nil
}

// readBasic reads client_secret_basic: both parts are form-encoded before they
// are joined (RFC 6749, section 2.3.1).
func readBasic(header, id string) (claim, error) {
	c := claim{method: wire.AuthClientSecretBasic, header: true}
	scheme, encoded, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(encoded, " "))
	if !strings.EqualFold(scheme, "Basic") || err != nil || strings.ContainsAny(encoded, "\r\n") {
		return c, c.refused(errBasic)
	}
	name, secret, found := strings.Cut(string(raw), ":")
	var errID, errSecret error
	c.id, errID = url.QueryUnescape(name)
	c.secret, errSecret = url.QueryUnescape(secret)
	if !found || errID != nil || errSecret != nil || c.id == "" {
		return c, c.refused(errBasic)
	}
	if id != "" && id != c.id {
		return c, wire.Field(paramClientID, "it is another one than in the Authorization header")
	}
	return c, nil
}
