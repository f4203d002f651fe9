package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"signet/resource"
)

// newHandler is the whole gateway, less what --health serves.
func newHandler(v *resource.Verifier, s settings) http.Handler {
	if s.upstream != nil {
		return newProxy(v, s)
	}
	mux := http.NewServeMux()
	mux.Handle("/auth", auth{v, s})
	mux.Handle("GET /healthz", health(v))
	mux.Handle(v.MetadataPath(), v.Metadata())
	return mux
}

// healthAlone is what --health serves.
func healthAlone(v *resource.Verifier) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", health(v))
	return mux
}

// health tells how well the issuer's keys and status lists are known: 200, or
// 503 where some token is not judged.
func health(v *resource.Verifier) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := v.Health()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !h.Ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(h) // who has gone does not read it
	})
}

// admit is what both ways to run have in common: whether r may pass, and what
// is then said of who sent it. When it returns false it has answered.
func admit(v *resource.Verifier, w http.ResponseWriter, r *http.Request, need resource.Requirement) (*http.Request, http.Header, bool) {
	r, ok := v.Admit(w, r, need)
	if !ok {
		return r, nil, false
	}
	t, _ := resource.FromContext(r.Context())
	said, err := identity(t)
	if err != nil {
		slog.Warn("a good token is refused", "problem", err)
		forbid(w)
	}
	return r, said, err == nil
}

// forbid answers who has a good token that the program behind cannot be told of.
// A new one would not do either, so it is not 401.
func forbid(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, `{"error":"access_denied","error_description":"the token has a name that no header can carry"}`+"\n") // who has gone does not read it
}

// and adds what the URL that a proxy asks says. A name that is not known is an
// error: a slip of the hand in a proxy's configuration must not open a door.
func and(need resource.Requirement, query string) (resource.Requirement, error) {
	more, err := url.ParseQuery(query)
	if err != nil {
		return need, errQuery
	}
	for name, values := range more {
		for _, value := range values {
			if !visible(value) {
				return need, errQuery
			}
		}
		switch name {
		case "scope":
			need.Scopes = slices.Concat(need.Scopes, values)
		case "role":
			need.Roles = slices.Concat(need.Roles, values)
		default:
			return need, errQuery
		}
	}
	return need, nil
}

var (
	errQuery    = errors.New("gateway: the URL that the proxy asks has more than scope=NAME and role=NAME")
	errOriginal = errors.New("gateway: with --resource the proxy must set X-Original-Method and X-Original-URI, once each")
)

// auth answers a proxy that asks whether the request before it may pass.
type auth struct {
	verifier *resource.Verifier
	settings settings
}

func (a auth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = &asked{w}
	need, err := and(a.settings.need, r.URL.RawQuery)
	if err == nil {
		r, err = original(r, a.settings.resource != "")
	}
	if err != nil {
		if !errors.Is(err, resource.ErrRequest) {
			slog.Error("every request is refused", "problem", err)
		}
		a.verifier.WriteError(w, err)
		return
	}
	_, said, ok := admit(a.verifier, w, r, need)
	if !ok {
		return
	}
	maps.Copy(w.Header(), said)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// original is the request that the proxy asks about, as far as it says.
func original(r *http.Request, must bool) (*http.Request, error) {
	methods, uris := r.Header["X-Original-Method"], r.Header["X-Original-Uri"]
	if len(methods)+len(uris) == 0 && !must {
		bare := *r
		bare.URL = &url.URL{Path: r.URL.Path} // the query is the proxy's
		return &bare, nil
	}
	if len(methods) != 1 || len(uris) != 1 || methods[0] == "" || !strings.HasPrefix(uris[0], "/") {
		return nil, errOriginal
	}
	u, err := url.ParseRequestURI(uris[0])
	if err != nil {
		return nil, fmt.Errorf("%w: the URL cannot be read", resource.ErrRequest)
	}
	asked := r.Clone(r.Context())
	asked.Method, asked.RequestURI, asked.URL = methods[0], uris[0], u
	return asked, nil
}

// asked is the answer to a proxy that knows of a request only whether it may
// pass: to nginx, 401 and 403 are an answer, and 400 is a failure of ours.
type asked struct{ http.ResponseWriter }

func (a *asked) WriteHeader(status int) {
	if status == http.StatusBadRequest {
		status = http.StatusUnauthorized
	}
	a.ResponseWriter.WriteHeader(status)
}
