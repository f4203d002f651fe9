package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/idp/internal/config"
	"signet/idp/internal/signin"
	"signet/idp/internal/wellknown"
)

// bubble is the whole issuer on a state folder, in the time of a bubble and
// without a network: a request goes straight to its handler. It can be stopped
// and started.
type bubble struct {
	config config.Config
	now    func() time.Time
	engine func(*bolt.Engine) kv.Engine // what is between it and its file, or in its place
	house  *house
	end    func() error

	mu       sync.Mutex // guards handler, and that a request is counted in time
	handler  http.Handler
	requests sync.WaitGroup
}

const bubbleURL = "http://localhost:4000"

// newBubble starts one. yaml is the file of settings.
func newBubble(t *testing.T, state, yaml string, settings ...string) *bubble {
	t.Helper()
	return newBubbleOn(t, func(e *bolt.Engine) kv.Engine { return e }, time.Now, state, yaml, settings...)
}

// newBubbleOn is newBubble with an engine and a clock of its own.
func newBubbleOn(t *testing.T, engine func(*bolt.Engine) kv.Engine, now func() time.Time, state, yaml string, settings ...string) *bubble {
	t.Helper()
	c, err := config.Parse("config.yaml", []byte(yaml), append([]string{"SIGNET_STATE=" + state}, settings...))
	if err != nil {
		t.Fatal(err)
	}
	c.Passwords.BcryptCost = signin.MinCost // nobody may configure that
	b := &bubble{config: c, now: now, engine: engine}
	if err := b.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bubble) start(ctx context.Context) (err error) {
	b.end = func() error { return nil }
	logger := slog.New(slog.DiscardHandler)
	engine, err := openEngine(ctx, b.config, logger)
	if err != nil {
		return err
	}
	if b.house, err = openHouseOn(ctx, b.config, nil, b.now, logger, engine, b.engine(engine.(*bolt.Engine))); err != nil {
		return err
	}
	b.end = b.house.Close
	polls := wellknown.NewPolls(time.Minute, wellknown.Limits{InAll: 100, PerAddress: 100})
	r, err := b.house.newRooms()
	if err != nil {
		return err
	}
	server, err := r.newServer(polls)
	if err != nil {
		return err
	}
	if err := r.status.Prepare(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	for _, run := range r.beside() {
		beside.Go(func() { _ = run(ctx) })
	}
	b.serve(server.Handler)
	b.end = func() error {
		b.serve(nil)
		polls.Stop()
		b.requests.Wait()
		stop()
		beside.Wait()
		return b.house.Close()
	}
	return nil
}

func (b *bubble) serve(h http.Handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handler = h
}

func (b *bubble) enter() http.Handler {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.handler != nil {
		b.requests.Add(1)
	}
	return b.handler
}

// RoundTrip has the handler answer.
func (b *bubble) RoundTrip(r *http.Request) (*http.Response, error) {
	h := b.enter()
	if h == nil {
		return nil, errors.New("connection refused")
	}
	in := r.Clone(r.Context())
	in.RemoteAddr, in.RequestURI, in.Host = "192.0.2.1:1234", r.URL.RequestURI(), r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer b.requests.Done()
		defer close(done)
		h.ServeHTTP(w, in)
	}()
	select {
	case <-done:
		return w.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
