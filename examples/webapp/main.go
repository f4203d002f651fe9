package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "webapp:", err)
		os.Exit(1)
	}
}

// settings are the flags, and the one secret, which comes from the environment
// since everybody on a machine can read another's command line.
type settings struct {
	listen, url, issuer, api string
	clientID, clientSecret   string
	scope, responseMode      string
}

func parse(args []string) (settings, error) {
	s := settings{clientSecret: os.Getenv("CLIENT_SECRET")}
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "localhost:5555", "`address` to listen on")
	flags.StringVar(&s.url, "url", "", "`URL` of this application (default http:// and the address)")
	flags.StringVar(&s.issuer, "issuer", "http://localhost:4000", "`URL` of the issuer")
	flags.StringVar(&s.clientID, "client-id", "webapp", "`name` of this application at the issuer")
	flags.StringVar(&s.scope, "scope", "openid profile email", "what to ask for, `words` with spaces")
	flags.StringVar(&s.responseMode, "response-mode", "", "how the answer comes: query, or form_post where issuer and application are same-site")
	flags.StringVar(&s.api, "api", "http://localhost:3000/protected", "`URL` of an API to call with the access token")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.url == "" {
		s.url = "http://" + s.listen
	}
	s.url = strings.TrimSuffix(s.url, "/")
	for _, u := range []string{s.url, s.issuer, s.api} {
		if parsed, err := url.Parse(u); err != nil || parsed.Host == "" {
			return s, fmt.Errorf("%q is not a URL", u)
		}
	}
	return s, nil
}

// run serves until ctx ends. It tells out where.
func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           newApp(s, time.Now).handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
	}
	fmt.Fprintf(out, "webapp listens on %s and signs people in with %s\n", s.url, s.issuer)

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
