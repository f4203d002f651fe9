package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

//go:embed page
var files embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "spa:", err)
		os.Exit(1)
	}
}

// settings are the flags. The page gets them as config.json, but for the
// address: none of them is a secret.
type settings struct {
	Listen   string `json:"-"`
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	API      string `json:"api"`
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("spa", flag.ContinueOnError)
	flags.StringVar(&s.Listen, "listen", "localhost:5556", "`address` to listen on")
	flags.StringVar(&s.Issuer, "issuer", "http://localhost:4000", "`URL` of the issuer")
	flags.StringVar(&s.ClientID, "client-id", "spa", "`name` of this application at the issuer")
	flags.StringVar(&s.Scope, "scope", "openid profile email", "what to ask for, `words` with spaces")
	flags.StringVar(&s.API, "api", "http://localhost:3000", "`URL` of the API")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for _, u := range []string{s.Issuer, s.API} {
		if parsed, err := url.Parse(u); err != nil || parsed.Host == "" {
			return s, fmt.Errorf("%q is not a URL", u)
		}
	}
	return s, nil
}

// handler serves the files of the page.
func handler(s settings) http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s) // who has gone does not read it
	})
	mux.Handle("GET /", http.FileServerFS(page))

	// The page runs its own scripts and talks to the issuer and the API.
	// Whatever else gets into it can do neither, so it cannot send tokens away.
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' " + origin(s.Issuer) + " " + origin(s.API) +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // an address here may hold a code
		h.Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}

// run serves until ctx ends. It tells out where.
func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(s), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	fmt.Fprintf(out, "spa listens on http://%s and signs people in with %s\n", s.Listen, s.Issuer)

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(bounded)
}

// origin is scheme and host of a URL, which parse has checked.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "'none'"
	}
	return u.Scheme + "://" + u.Host
}
