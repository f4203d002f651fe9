package resource

import (
	"context"
	"net/http"
)

// Guard decides which requests pass: a *Verifier for the tokens of one issuer,
// *Issuers for those of several. It is what a middleware takes.
type Guard interface {
	// Admit lets an HTTP request pass, or answers it.
	Admit(w http.ResponseWriter, r *http.Request, need Requirement) (*http.Request, bool)
	// AdmitBearer lets a call pass that did not come as an HTTP request.
	AdmitBearer(ctx context.Context, authorization []string, need Requirement) (context.Context, error)
	// Lifetime returns a context that ends with t.
	Lifetime(ctx context.Context, t *Token) (context.Context, context.CancelFunc)
	// Refuse says how an error is answered.
	Refuse(err error) Refusal
}

// Refusal is the answer to a request that may not pass, for protocols that
// have other words for it. Nothing in it came from outside.
type Refusal struct {
	Status      int      // of HTTP
	Code        string   // the error, such as invalid_token
	Description string   // for people
	Challenges  []string // the values of WWW-Authenticate, if any
}

// admit is the middleware for net/http.
func admit(g Guard, next http.Handler, need Requirement) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r, ok := g.Admit(w, r, need); ok {
			next.ServeHTTP(w, r)
		}
	})
}

// AdmitBearer is for calls that carry the values of an Authorization header by
// other means than HTTP, such as gRPC. It verifies the token and whether it
// fulfils need, and returns a context with the token, for FromContext. A token
// that is bound to a key is ErrBound: there is no URL that a proof could name.
// Refuse says how to answer the error.
func (v *Verifier) AdmitBearer(ctx context.Context, authorization []string, need Requirement) (context.Context, error) {
	raw, err := bearer(authorization)
	if err != nil {
		v.count("", err)
		return ctx, err
	}
	return v.admitBearer(ctx, raw, need)
}

func (v *Verifier) admitBearer(ctx context.Context, raw string, need Requirement) (context.Context, error) {
	t, err := v.Verify(ctx, raw)
	if err == nil {
		err = v.Check(t, need)
	}
	if err != nil {
		return ctx, err
	}
	return context.WithValue(ctx, passKey{}, pass{v, t}), nil
}

// bearer reads the one token that came by the Bearer scheme.
func bearer(authorization []string) (string, error) {
	c, err := parseAuthorization(authorization, true)
	if err == nil && c.dpop {
		return "", ErrBound
	}
	return c.token, err
}

// Lifetime returns a context that ends when t does, with ErrExpired as its
// cause. It is for what may outlive the token that began it: a stream, a
// WebSocket, a long download. Of a key or token that is revoked meanwhile it
// knows nothing.
func (v *Verifier) Lifetime(ctx context.Context, t *Token) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, t.Expiry().Add(v.leeway).Sub(v.now()), ErrExpired)
}
