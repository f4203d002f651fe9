package resource

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// retryAfter is what a client is told to wait when no keys are there.
const retryAfter = 5 * time.Second

// refusal is the answer to a request that may not pass (RFC 6750 section 3).
type refusal struct {
	status      int
	challenge   bool   // with WWW-Authenticate
	code        string // error, in the body
	bare        bool   // the challenge says nothing about an error
	description string // never holds anything that came from outside
	scope       string // what would be enough
}

// refuse maps an error to the answer. What is not mapped is a mistake of ours
// and says nothing.
func refuse(err error) refusal {
	var lacks *InsufficientError
	var why *reason
	switch {
	case errors.As(err, &why):
		return refusal{status: http.StatusUnauthorized, challenge: true, code: "invalid_token", description: why.text}
	case errors.Is(err, ErrNoToken):
		// RFC 6750 section 3.1: no error code for who did not try.
		return refusal{status: http.StatusUnauthorized, challenge: true, bare: true, code: "missing_token",
			description: "a Bearer token is required"}
	case errors.Is(err, ErrRequest):
		return refusal{status: http.StatusBadRequest, challenge: true, code: "invalid_request",
			description: "a token is presented once, in one Authorization header, as Bearer"}
	case errors.As(err, &lacks):
		r := refusal{status: http.StatusForbidden, challenge: true, code: "insufficient_scope",
			description: "the token lacks a scope that is needed here", scope: strings.Join(lacks.Scopes, " ")}
		if lacks.Role != "" {
			r.description = "the role " + lacks.Role + " is needed here"
		}
		return r
	case errors.Is(err, ErrUnavailable):
		return refusal{status: http.StatusServiceUnavailable, code: "temporarily_unavailable",
			description: "tokens cannot be checked at the moment"}
	}
	return refusal{status: http.StatusInternalServerError, code: "server_error", description: "the request failed"}
}

// WriteError answers a request that Authenticate or a requirement refused:
// the status and WWW-Authenticate of RFC 6750, with the place of the metadata
// (RFC 9728 section 5.1) where WithResource gave it, and a JSON body.
func (v *Verifier) WriteError(w http.ResponseWriter, err error) {
	r := refuse(err)
	h := w.Header()
	if r.challenge {
		h.Set("WWW-Authenticate", v.challenge(r))
	}
	if r.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	}
	writeJSON(w, r.status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{r.code, r.description})
}

func (v *Verifier) challenge(r refusal) string {
	var params []string
	add := func(name, value string) {
		if value != "" {
			params = append(params, name+`="`+quotable(value)+`"`)
		}
	}
	if v.metadata == "" {
		add("realm", v.audiences[0])
	}
	if !r.bare {
		add("error", r.code)
		add("error_description", r.description)
		add("scope", r.scope)
	}
	add("resource_metadata", v.metadata)
	return "Bearer " + strings.Join(params, ", ")
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
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n')) // who has gone does not read it
}
