package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"signet/resource"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct{ listen, issuer, audience, resource, origin string }

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "localhost:3000", "`address` to listen on")
	flags.StringVar(&s.issuer, "issuer", "http://localhost:4000", "`URL` of the issuer")
	flags.StringVar(&s.audience, "audience", "api", "`name` that tokens must be for")
	flags.StringVar(&s.resource, "resource", "", "`URL` of this server (default http:// and the address)")
	flags.StringVar(&s.origin, "origin", "http://localhost:5556", "`origin` of another page that may call this API; empty is none")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
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
	if s.resource == "" {
		s.resource = "http://" + shown(s.listen, listener.Addr())
	}
	v, err := resource.New(s.issuer, s.audience, resource.WithResource(s.resource),
		resource.WithMetadata(resource.Metadata{Name: "Signet's demo"}))
	if err != nil {
		listener.Close()
		return err
	}
	defer v.Close()

	srv := &http.Server{
		Handler:           newAPI(v, s),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	fmt.Fprintf(out, "demo listens on %s and takes tokens for %q from %s\n", s.resource, s.audience, s.issuer)
	fmt.Fprintf(out, "try: curl -H \"Authorization: Bearer $TOKEN\" %s/posts\n", s.resource)

	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return srv.Shutdown(bounded)
}

// shown is the address as a person would type it: the host that was asked for,
// the port that was given.
func shown(asked string, got net.Addr) string {
	host, _, err := net.SplitHostPort(asked)
	_, port, errGot := net.SplitHostPort(got.String())
	if err != nil || errGot != nil {
		return got.String()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(strings.ToLower(host), port)
}
