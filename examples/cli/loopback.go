package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// loopback signs in with a browser on this machine, which brings the answer to
// a port that is open for as long: RFC 8252, section 7.3.
func (t *tool) loopback(ctx context.Context) (*oauth2.Token, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the name localhost could be resolved to elsewhere
	if err != nil {
		return nil, err
	}
	t.oauth.RedirectURL = "http://" + listener.Addr().String() + "/callback"
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()

	codes, refusals := make(chan string, 1), make(chan error, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if q.Get("state") != state {
			http.Error(w, "This sign-in was not begun here.", http.StatusBadRequest)
			return
		}
		if err := t.answer(q.Get("iss"), q.Get("error")); err != nil {
			fmt.Fprintln(w, "You are not signed in. You can close this tab.")
			give(refusals, err)
			return
		}
		fmt.Fprintln(w, "That is all here. You can close this tab and go back to the terminal.")
		give(codes, q.Get("code"))
	})
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // it ends below
	defer func() {
		bounded, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(bounded) // the browser has its page, or has gone
	}()

	fmt.Fprintf(t.out, "Open this in a browser on this machine:\n%s\n",
		t.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case err := <-refusals:
		return nil, err
	case code := <-codes:
		token, err := t.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		if err != nil {
			return nil, err
		}
		return token, t.check(ctx, token, nonce)
	}
}

// answer says what is wrong with an answer.
func (t *tool) answer(iss, code string) error {
	switch {
	case iss != t.issuer && (t.namesIss || iss != ""): // RFC 9207, section 2.4
		return errors.New("the answer came from another issuer")
	case code == "access_denied":
		return errors.New("you said no")
	case code != "":
		return fmt.Errorf("the issuer refused: %s", code)
	}
	return nil
}

// give passes on the first answer only.
func give[T any](to chan T, v T) {
	select {
	case to <- v:
	default:
	}
}
