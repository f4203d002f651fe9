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

// Middleware lets a request pass to next when it carries a good token, and
// proof of the key that the token is bound to, if it is. next finds the token
// with FromContext. Else it answers with WriteError.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return admit(v, next, Requirement{})
}

// Admit is what a middleware does: it authenticates r, checks whether the token
// fulfils need, and returns the request that may go on, with the token in its
// context. When it returns false it has answered with WriteError. It is for
// those who write a middleware for another framework.
func (v *Verifier) Admit(w http.ResponseWriter, r *http.Request, need Requirement) (*http.Request, bool) {
	r, t, err := v.Authenticate(r)
	if err == nil {
		if t.JKT() != "" {
			v.giveNonce(w.Header())
		}
		err = v.Check(t, need)
	}
	if err != nil {
		v.WriteError(w, err)
	}
	return r, err == nil
}

// Authenticate is VerifyRequest, and returns a request whose context holds the
// token. A request that this Verifier has authenticated already is returned as
// it is. WriteError answers the errors. Unlike Admit it gives no nonce to the
// client.
func (v *Verifier) Authenticate(r *http.Request) (*http.Request, *Token, error) {
	if p, ok := r.Context().Value(passKey{}).(pass); ok && p.by == v {
		return r, p.token, nil
	}
	t, err := v.VerifyRequest(r)
	if err != nil {
		return r, nil, err
	}
	return r.WithContext(context.WithValue(r.Context(), passKey{}, pass{v, t})), t, nil
}

// VerifyRequest verifies the token of r, and the proof that comes with one that
// is bound to a key. Beside Verify's errors there are ErrNoToken, ErrRequest,
// and with a proof ErrUnbound, ErrOtherKey, ErrNonce and those that are
// dpop.ErrProof. A proof works once: ask about a request one time, or use
// Authenticate.
func (v *Verifier) VerifyRequest(r *http.Request) (*Token, error) {
	t, how, err := v.verifyRequest(r)
	v.count(how, err)
	return t, err
}

func (v *Verifier) verifyRequest(r *http.Request) (*Token, Outcome, error) {
	c, err := parseAuthorization(r.Header["Authorization"], v.base != "")
	if err == nil && inQuery(r.URL) {
		// A token in the URL ends up in logs and is never taken; together with
		// the header it is a second method (RFC 6750 section 2).
		err = ErrRequest
	}
	if err != nil {
		return nil, "", err
	}
	if !c.dpop {
		return v.verifyBearer(r.Context(), c.token)
	}
	t, how, err := v.verifyProof(r, c.token)
	if err != nil {
		return nil, "", &withDPoP{err}
	}
	return t, how, nil
}

func inQuery(u *url.URL) bool {
	return strings.Contains(u.RawQuery, "access_token") && u.Query().Has("access_token")
}

// credentials is a token with the scheme that it came by.
type credentials struct {
	token string
	dpop  bool // and not Bearer
}

// parseAuthorization reads the Authorization headers of a request. Another
// scheme is no token; DPoP is another one unless proofs are taken. More than
// one header, or a scheme that is not followed by one b64token (RFC 6750
// section 2.1, RFC 9449 section 7.1), is ErrRequest.
func parseAuthorization(headers []string, proofs bool) (c credentials, err error) {
	if len(headers) == 0 {
		return c, ErrNoToken
	}
	if len(headers) > 1 {
		return c, ErrRequest
	}
	scheme, raw, _ := strings.Cut(headers[0], " ")
	c.dpop = proofs && strings.EqualFold(scheme, "DPoP")
	if !c.dpop && !strings.EqualFold(scheme, "Bearer") {
		return c, ErrNoToken
	}
	// One space is what the grammar says; more are harmless (RFC 9110 section
	// 11.4 allows them).
	raw = strings.TrimLeft(raw, " ")
	if raw == "" || strings.Trim(raw, "=") == "" || strings.ContainsFunc(strings.TrimRight(raw, "="), notB64token) {
		if c.dpop {
			return credentials{}, &withDPoP{ErrRequest}
		}
		return c, ErrRequest
	}
	c.token = raw
	return c, nil
}

func notB64token(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._~+/", r)
}
