package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// newWorld is an issuer and an API in one.
func newWorld(t *testing.T) string {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q}`, server.URL, server.URL+"/token")
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		id, secret, _ := r.BasicAuth()
		if id != "service" || secret != "right" || r.FormValue("grant_type") != "client_credentials" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		fmt.Fprintf(w, `{"access_token":"for %s","token_type":"Bearer","expires_in":60}`, r.FormValue("scope"))
	})
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer for read write" {
			w.WriteHeader(http.StatusForbidden)
		}
		fmt.Fprint(w, "hello")
	})
	return server.URL
}

func TestTheServiceCallsTheAPI(t *testing.T) {
	url := newWorld(t)
	for _, c := range []struct {
		name, secret, fails string
		args                []string
	}{
		{"with its scope", "right", "", []string{"--scope", "read write"}},
		{"with less than the API wants", "right", "403", nil},
		{"with another secret", "wrong", "invalid_client", nil},
		{"without a secret", "", "CLIENT_SECRET", nil},
		{"with a word too many", "right", "extra", []string{"extra"}},
		{"with an issuer that is away", "right", "metadata", []string{"--issuer", "http://127.0.0.1:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			err := run(t.Context(), append([]string{"--issuer", url, "--api", url + "/api"}, c.args...), c.secret, &out)
			switch {
			case c.fails == "" && (err != nil || out.String() != "hello"):
				t.Errorf("said %q, %v", &out, err)
			case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
				t.Errorf("got %v", err)
			case err != nil && strings.Contains(err.Error(), "right"):
				t.Errorf("the secret is in %v", err)
			}
		})
	}
}
