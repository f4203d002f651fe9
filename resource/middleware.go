package resource

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// passKey is the key of a pass in a request's context.
type passKey struct{}

// pass is a verified token with the one who verified it: a requirement must
// not take another issuer's word.
type pass struct {
	by    *Verifier
	token *Token
}

// FromContext returns the token that a Verifier's middleware let pass.
func FromContext(ctx context.Context) (*Token, bool) {
	p, ok := ctx.Value(passKey{}).(pass)
	return p.token, ok
}

// Middleware lets a request pass to next when it carries a good token, which
// next finds with FromContext. Else it answers with WriteError.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return v.require(next, func(*Token) error { return nil })
}

// RequireScope is Middleware, and wants every one of scopes too. It may stand
// inside Middleware or alone.
func (v *Verifier) RequireScope(scopes ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return v.require(next, func(t *Token) error { return CheckScope(t, scopes...) })
	}
}

// RequireRole is Middleware, and wants the role too. It may stand inside
// Middleware or alone.
func (v *Verifier) RequireRole(role string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return v.require(next, func(t *Token) error { return CheckRole(t, role) })
	}
}

// CheckScope returns an *InsufficientError unless t has every one of scopes.
func CheckScope(t *Token, scopes ...string) error {
	if !t.HasScope(scopes...) {
		return &InsufficientError{Scopes: scopes}
	}
	return nil
}

// CheckRole returns an *InsufficientError unless t has the role.
func CheckRole(t *Token, role string) error {
	if !t.HasRole(role) {
		return &InsufficientError{Role: role}
	}
	return nil
}

func (v *Verifier) require(next http.Handler, check func(*Token) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, t, err := v.Authenticate(r)
		if err == nil {
			err = check(t)
		}
		if err != nil {
			v.WriteError(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Authenticate verifies the token of r, and returns it with a request whose
// context holds it. A request that this Verifier has authenticated already is
// returned as it is. Beside Verify's errors there are ErrNoToken and
// ErrRequest; WriteError answers them all. It is for those who write their own
// middleware.
func (v *Verifier) Authenticate(r *http.Request) (*http.Request, *Token, error) {
	if p, ok := r.Context().Value(passKey{}).(pass); ok && p.by == v {
		return r, p.token, nil
	}
	raw, err := bearer(r)
	if err != nil {
		return r, nil, err
	}
	t, err := v.Verify(r.Context(), raw)
	if err != nil {
		return r, nil, err
	}
	return r.WithContext(context.WithValue(r.Context(), passKey{}, pass{v, t})), t, nil
}

// bearer finds the token of a request: in the Authorization header, nowhere
// else. A token in the URL ends up in logs and is never taken; together with
// the header it is a second method (RFC 6750 section 2).
func bearer(r *http.Request) (string, error) {
	raw, err := parseAuthorization(r.Header["Authorization"])
	if err == nil && inQuery(r.URL) {
		return "", ErrRequest
	}
	return raw, err
}

func inQuery(u *url.URL) bool {
	return strings.Contains(u.RawQuery, "access_token") && u.Query().Has("access_token")
}

// parseAuthorization reads the Authorization headers of a request. Another
// scheme is no token; more than one header, or a Bearer that is not followed by
// one b64token (RFC 6750 section 2.1), is ErrRequest.
func parseAuthorization(headers []string) (string, error) {
	if len(headers) == 0 {
		return "", ErrNoToken
	}
	if len(headers) > 1 {
		return "", ErrRequest
	}
	scheme, raw, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNoToken
	}
	// One space is what the grammar says; more are harmless (RFC 9110 section
	// 11.4 allows them).
	raw = strings.TrimLeft(raw, " ")
	if raw == "" || strings.Trim(raw, "=") == "" || strings.ContainsFunc(strings.TrimRight(raw, "="), notB64token) {
		return "", ErrRequest
	}
	return raw, nil
}

func notB64token(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._~+/", r)
}
