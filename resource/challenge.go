package resource

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"signet/resource/dpop"
)

// retryAfter is what a client is told to wait when no keys are there.
const retryAfter = 5 * time.Second

// refusal is the answer to a request that may not pass (RFC 6750 section 3,
// RFC 9449 section 7.1, RFC 9470 section 3).
type refusal struct {
	status      int
	good        bool   // the token was, only what it says is not enough
	challenge   bool   // with WWW-Authenticate
	code        string // error, in the body
	bare        bool   // the challenges say nothing about an error
	description string // never holds anything that came from outside
	scope       string // what would be enough
	acr         string // the same, of the ways to authenticate
	maxAge      string // the same, in seconds

	dpop bool // the error belongs to the DPoP scheme
	both bool // it belongs to each, since nobody knows which was meant
}

// refuse maps an error to the answer. What is not mapped is a mistake of ours
// and says nothing.
func refuse(err error) refusal {
	var lacks *InsufficientError
	var weak *StepUpError
	var why *reason
	var proof *proofReason
	r := refusal{status: http.StatusUnauthorized, challenge: true}
	var marked *withDPoP
	r.dpop = errors.As(err, &marked)
	switch {
	case errors.As(err, &why):
		r.code, r.description = "invalid_token", why.text
	case errors.As(err, &proof):
		r.code, r.description = "invalid_dpop_proof", proof.text
	case errors.Is(err, dpop.ErrProof):
		r.code, r.description = "invalid_dpop_proof", dpop.Reason(err)
	case errors.Is(err, ErrNonce):
		r.code, r.description = "use_dpop_nonce", "the proof needs the nonce of the DPoP-Nonce header"
	case errors.Is(err, ErrNoToken):
		// RFC 6750 section 3.1: no error code for who did not try.
		r.bare, r.code, r.description = true, "missing_token", "an access token is required"
	case errors.Is(err, ErrRequest):
		r.status, r.both = http.StatusBadRequest, !r.dpop
		r.code, r.description = "invalid_request", "a token is presented once, in one Authorization header"
	case errors.As(err, &lacks):
		r.status, r.good, r.dpop = http.StatusForbidden, true, lacks.bound
		r.code, r.description = "insufficient_scope", "the token lacks a scope that is needed here"
		r.scope = strings.Join(lacks.Scopes, " ")
		if lacks.Role != "" {
			r.description = "the role " + lacks.Role + " is needed here"
		}
	case errors.As(err, &weak):
		r.good, r.dpop = true, weak.bound
		r.code, r.description = "insufficient_user_authentication", "the person has to authenticate again, as is needed here"
		r.scope, r.acr = strings.Join(weak.Scopes, " "), strings.Join(weak.ACR, " ")
		if weak.MaxAge != 0 {
			r.maxAge = strconv.FormatInt(weak.maxAge(), 10)
		}
	case errors.Is(err, ErrUnavailable):
		return refusal{status: http.StatusServiceUnavailable, code: "temporarily_unavailable",
			description: "tokens cannot be checked at the moment"}
	default:
		return refusal{status: http.StatusInternalServerError, code: "server_error", description: "the request failed"}
	}
	return r
}

// Refuse says how an error of this Verifier is answered. WriteError does so.
func (v *Verifier) Refuse(err error) Refusal {
	r := refuse(err)
	out := Refusal{Status: r.status, Code: r.code, Description: r.description}
	if r.challenge {
		out.Challenges = v.challenges(r)
	}
	return out
}

// WriteError answers a request that Authenticate or a requirement refused:
// the status and WWW-Authenticate of RFC 6750, RFC 9449 and RFC 9470, with the
// place of the metadata (RFC 9728 section 5.1) where WithResource gave it, and
// a JSON body.
func (v *Verifier) WriteError(w http.ResponseWriter, err error) {
	r := refuse(err)
	h := w.Header()
	if r.challenge {
		h["Www-Authenticate"] = v.challenges(r)
		expose(h, "WWW-Authenticate")
	}
	if r.dpop {
		v.giveNonce(h)
	}
	if r.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	}
	writeJSON(w, r.status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{r.code, r.description})
}

// challenges are one for each scheme that is taken here; the error is in that
// of the scheme that the request used, which comes first (RFC 9449 section
// 7.2). Whose token was good is not asked to try another scheme.
func (v *Verifier) challenges(r refusal) []string {
	takesDPoP, takesBearer := v.base != "", !v.bound
	if r.good {
		takesDPoP, takesBearer = r.dpop, !r.dpop
	}
	var out []string
	if takesDPoP {
		out = append(out, v.challenge("DPoP", r, r.dpop || r.both || v.bound))
	}
	if takesBearer {
		out = append(out, v.challenge("Bearer", r, !r.dpop || !takesDPoP))
	}
	if !r.dpop {
		slices.Reverse(out)
	}
	return out
}

// challenge is that of one scheme, with the error or without.
func (v *Verifier) challenge(scheme string, r refusal, withError bool) string {
	var params []string
	add := func(name, value string) {
		if value != "" {
			params = append(params, name+`="`+quotable(value)+`"`)
		}
	}
	if v.metadata == "" {
		add("realm", v.audiences[0])
	}
	if withError && !r.bare {
		add("error", r.code)
		add("error_description", r.description)
		add("acr_values", r.acr)
		add("max_age", r.maxAge)
		add("scope", r.scope)
	}
	if scheme == "DPoP" {
		add("algs", strings.Join(v.proofAlgs, " "))
	}
	add("resource_metadata", v.metadata)
	return scheme + " " + strings.Join(params, ", ")
}

// quotable leaves of s what may stand in these parameters (RFC 6750 section 3).
func quotable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, s)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	writeRaw(w, status, raw)
}

func writeRaw(w http.ResponseWriter, status int, raw []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(raw[:len(raw):len(raw)], '\n')) // who has gone does not read it
}
