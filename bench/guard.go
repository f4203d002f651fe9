package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"signet/bench/internal/load"
	"signet/resource"
)

// guard is a resource server in this process: a verifier and a port of its own.
type guard struct{ url string }

// guards starts resource servers that end with the stage.
func guards(s *Stage, n int) ([]guard, error) {
	all := make([]guard, n)
	for i := range all {
		verifier, err := resource.New(s.Signet.URL, "api")
		if err != nil {
			return nil, err
		}
		s.AtEnd(verifier.Close)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		server := &http.Server{Handler: verifier.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
		}))}
		go func() { _ = server.Serve(listener) }() // until it is closed
		s.AtEnd(func() { _ = server.Close() })
		all[i].url = "http://" + listener.Addr().String()
	}
	return all, nil
}

// calls asks the resource server by several connections, for one good token
// after the other. It has the keys by then.
func (g guard) calls(ctx context.Context, s *Stage, good []string) (calls []load.Call, err error) {
	for i := range revocationConns {
		c, err := load.Dial(g.url)
		if err != nil {
			return nil, err
		}
		s.AtEnd(func() { _ = c.Close() })
		next := i
		calls = append(calls, func(context.Context) error {
			access := good[next%len(good)]
			next += revocationConns + 1
			_, err := c.Do(load.Request{Path: "/", Authorization: load.Bearer(access)})
			return err
		})
	}
	return calls, soon(ctx, calls[0])
}

// pollEvery is how often a resource server is asked for a token that was
// revoked, and pollFor how long at the most.
const (
	pollEvery = 2 * time.Millisecond
	pollFor   = 10 * time.Second
)

var errStillAccepted = errors.New("a revoked token is still accepted")

// refused tells whether the answer is the refusal of the token; an error is any
// answer that is neither that nor yes.
func refused(c *load.Conn, access string) (bool, error) {
	_, err := c.Do(load.Request{Path: "/", Authorization: load.Bearer(access)})
	var status *load.StatusError
	if errors.As(err, &status) && status.Status == http.StatusUnauthorized {
		return true, nil
	}
	return false, err
}

// untilRefused asks for the token until it is refused, and returns when that
// was.
func untilRefused(ctx context.Context, c *load.Conn, access string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, pollFor)
	defer cancel()
	every := time.NewTicker(pollEvery)
	defer every.Stop()
	for {
		if no, err := refused(c, access); no || err != nil {
			return time.Now(), err
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return time.Time{}, errStillAccepted
		}
	}
}
