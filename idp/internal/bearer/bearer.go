package bearer

import (
	"errors"
	"net/http"
	"strings"

	"signet/idp/internal/dpop"
	"signet/idp/internal/live"
	"signet/idp/internal/wire"
)

// Options are what a Service is made of; all are needed.
type Options struct {
	Live *live.Reader
	DPoP *dpop.Service
}

// Service takes access tokens from requests. It is safe for concurrent use.
type Service struct {
	o Options
}

// New makes a Service.
func New(o Options) *Service { return &Service{o: o} }

// Request finds the token of a request in its Authorization header, or in
// inBody (see InBody) where the endpoint takes it there too, and checks it. A
// token that is bound to a key is good with a proof for url only, which is that
// of the endpoint as clients know it (RFC 9449, section 7.1). Where nonces are
// asked for, w gets the next one. The error is a *wire.Error with a challenge,
// or a failure of the store.
//
// The token comes before the proof: who has none can make a proof with any key,
// and should cost no write.
func (s *Service) Request(w http.ResponseWriter, r *http.Request, url, inBody string) (live.Access, error) {
	raw, bound, err := shown(r.Header, inBody)
	if err != nil {
		return live.Access{}, err
	}
	a, err := s.o.Live.Access(r.Context(), raw)
	switch {
	case errors.Is(err, live.ErrDead):
		return live.Access{}, s.invalid(bound, "The access token is not valid.", err)
	case err != nil:
		return live.Access{}, err
	case !bound && a.Confirmation.JKT != "": // RFC 9449, section 7.2: never a bearer token
		return live.Access{}, s.invalid(true, "The access token is bound to a key: show it as DPoP, with a proof.", nil)
	case bound && a.Confirmation.JKT == "":
		return live.Access{}, s.invalid(true, "The access token is not bound to a key: show it as Bearer.", nil)
	case !bound:
		return a, nil
	}
	if err := s.prove(r, url, raw, a.Confirmation.JKT); err != nil {
		return live.Access{}, err
	}
	if nonce := s.o.DPoP.Nonce(); nonce != "" { // RFC 9449, section 8.2
		w.Header().Set("DPoP-Nonce", nonce)
	}
	return a, nil
}

// prove checks that the sender holds the key, and spends the proof.
func (s *Service) prove(r *http.Request, url, raw, jkt string) error {
	p, err := s.o.DPoP.Verify(r.Header, r.Method, url, raw)
	switch {
	case err != nil:
		return err
	case p.JKT == "":
		return s.refuse(true, wire.CodeInvalidDPoPProof, "There is no DPoP header.", nil)
	case p.JKT != jkt: // RFC 9449, section 4.3, step 12
		return s.invalid(true, "The access token is bound to another key than the proof's.", nil)
	}
	return s.o.DPoP.Spend(r.Context(), p, raw)
}

// shown returns the one access token that a request shows, and whether it does
// as one that is bound to a key.
func shown(h http.Header, inBody string) (raw string, bound bool, err error) {
	lines := h.Values("Authorization")
	switch {
	case len(lines) > 1:
		return "", false, malformed(wire.Invalid("there is more than one Authorization header"))
	case len(lines) == 1 && inBody != "": // RFC 6750, section 2
		return "", false, malformed(wire.Invalid("the access token is there twice, in the header and in the body"))
	case len(lines) == 0 && inBody != "":
		return inBody, false, nil
	case len(lines) == 0:
		return "", false, nothing("An access token is needed: Authorization: Bearer …")
	}
	scheme, raw, _ := strings.Cut(lines[0], " ")
	switch {
	case raw == "":
	case strings.EqualFold(scheme, "Bearer"):
		return raw, false, nil
	case strings.EqualFold(scheme, "DPoP"):
		return raw, true, nil
	}
	return "", false, nothing("The Authorization header must be of the form: Bearer TOKEN")
}

// InBody returns the access token of a form (RFC 6750, section 2.2), or "". A
// request of another kind has its token in the header.
func InBody(r *http.Request) (string, error) {
	if r.Method != http.MethodPost || !wire.IsForm(r) {
		return "", nil
	}
	form, err := wire.ReadForm(r)
	if err != nil {
		return "", malformed(err)
	}
	return form.Get("access_token"), nil
}

// realm is what every challenge begins with: one without any parameter would be
// malformed (RFC 6750, section 3).
const realm = `Bearer realm="signet"`

// nothing is the answer to a request that shows no token: it did not try, so
// there is no error in the challenge (RFC 6750, section 3.1).
func nothing(description string) error {
	return &wire.Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidToken, Description: description, Challenge: realm}
}

// malformed adds the challenge to the refusal of a request that cannot be
// understood (RFC 6750, section 3.1).
func malformed(err error) error {
	var e *wire.Error
	if errors.As(err, &e) && e.Code == wire.CodeInvalidRequest {
		e.Challenge = realm + `, error="invalid_request"`
	}
	return err
}

func (s *Service) invalid(bound bool, description string, cause error) error {
	return s.refuse(bound, wire.CodeInvalidToken, description, cause)
}

// refuse is the answer to a token that does not work, in the scheme of those
// that are bound, or in that of the others.
func (s *Service) refuse(bound bool, code, description string, cause error) error {
	e := &wire.Error{Status: http.StatusUnauthorized, Code: code, Description: description, Cause: cause,
		Challenge: realm + `, error="` + code + `"`}
	if bound {
		e.Challenge, e.DPoPNonce = s.o.DPoP.Challenge(code), s.o.DPoP.Nonce()
	}
	return e
}

// Insufficient is the answer to a good token that lacks the scope, or, where
// that is "", that no scope would open this to (RFC 6750, section 3.1).
func (s *Service) Insufficient(a live.Access, scope string) error {
	e := &wire.Error{Status: http.StatusForbidden, Code: wire.CodeInsufficientScope,
		Description: "This is not open to clients.", Challenge: realm + `, error="insufficient_scope"`}
	if a.Confirmation.JKT != "" {
		e.Challenge = s.o.DPoP.Challenge(wire.CodeInsufficientScope)
	}
	if scope != "" {
		e.Description = "The access token lacks the scope " + scope + "."
		e.Challenge += `, scope="` + scope + `"`
	}
	return e
}
