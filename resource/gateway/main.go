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
	"syscall"
	"time"

	"signet/resource"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It tells out where.
func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	opts := []resource.Option{resource.WithAudiences(s.audiences[1:]...)}
	if s.resource != "" {
		opts = append(opts, resource.WithResource(s.resource))
	}
	v, err := resource.New(s.issuer, s.audiences[0], opts...)
	if err != nil {
		return err
	}
	defer v.Close()

	servers := []*http.Server{server(s.listen, newHandler(v, s))}
	if s.upstream == nil {
		// Who asks /auth is a proxy nearby; what passes through may take its
		// time, in both directions.
		servers[0].ReadTimeout, servers[0].WriteTimeout = 10*time.Second, 10*time.Second
	}
	if s.health != "" {
		servers = append(servers, server(s.health, healthAlone(v)))
	}
	return serve(ctx, servers, func(at net.Addr) {
		fmt.Fprintf(out, "gateway listens on http://%s and takes tokens for %q from %s\n", at, s.audiences, s.issuer)
	})
}

func server(address string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              address,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// shutdownWait is how long running requests may go on when the gateway stops.
const shutdownWait = 10 * time.Second

// serve runs the servers until ctx ends or one of them fails, and then lets
// what is running end. It tells where the first one listens once all do.
func serve(ctx context.Context, servers []*http.Server, listening func(net.Addr)) error {
	var listeners []net.Listener
	for _, srv := range servers {
		l, err := net.Listen("tcp", srv.Addr)
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return err
		}
		listeners = append(listeners, l)
	}
	failed := make(chan error, len(servers))
	for i, srv := range servers {
		go func() { failed <- srv.Serve(listeners[i]) }()
	}
	listening(listeners[0].Addr())

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.Background(), shutdownWait)
	defer cancel()
	for _, srv := range servers {
		err = errors.Join(err, srv.Shutdown(bounded))
	}
	return err
}
