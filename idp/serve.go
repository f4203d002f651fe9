package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"signet/idp/internal/config"
	"signet/idp/internal/control"
	"signet/idp/internal/trouble"
	"signet/idp/internal/wellknown"
)

// sweepEvery is how often what has expired is taken out of the store, and
// sweepBatch how much of it in one transaction.
const (
	sweepEvery = time.Minute
	sweepBatch = 500
)

func serveCommand(cmd *cobra.Command, env *environment) error {
	c, err := env.load()
	if err != nil {
		return err
	}
	return serve(cmd.Context(), c, env)
}

// serve runs the issuer until ctx ends, and then stops it gracefully.
func serve(ctx context.Context, c config.Config, env *environment) error {
	defer steady()()
	giveProcessors(&c.Passwords)
	logger := newLogger(c.Log, env.err)
	h, err := openHouse(ctx, c, env.environ, env.now, logger)
	if err != nil {
		return err
	}
	return errors.Join(h.serve(ctx, env.out), h.Close())
}

// processors is how many Go was started with.
var processors = runtime.GOMAXPROCS(0)

// giveProcessors adds a processor of Go's for every hashing worker. A worker's
// thread stands behind all others in the kernel's eyes; the processor that it
// holds would stand there with it, and with it the requests queued on it.
func giveProcessors(p *config.Passwords) {
	if p.HashingWorkers == 0 {
		p.HashingWorkers = max(1, processors/2)
	}
	runtime.GOMAXPROCS(processors + p.HashingWorkers)
}

func (h *house) serve(ctx context.Context, out io.Writer) error {
	if err := h.clients.Clash(ctx); err != nil {
		return err
	}
	if err := h.store.ConfiguredClients(ctx, h.clients.Configured()); err != nil {
		return err
	}
	polls := wellknown.NewPolls(h.config.Limits.LongPoll,
		wellknown.Limits{InAll: h.config.Limits.LongPolls, PerAddress: h.config.Limits.LongPollsEach})
	r, err := h.newRooms()
	if err != nil {
		return err
	}
	server, err := r.newServer(polls)
	if err != nil {
		return err
	}
	server.Handler = h.untilItLeaves(server.Handler)
	server.RegisterOnShutdown(polls.Stop)
	if err := r.status.Prepare(ctx); err != nil { // before a token names a list
		return err
	}
	listener, err := h.listen()
	if err != nil {
		return err
	}
	commands, err := h.listenControl()
	if err != nil {
		return errors.Join(err, listener.Close())
	}

	h.announce(out, listener.Addr()) // before a command can change what it says

	// What runs beside the requests goes on until the last of them is
	// answered: a key ring without its lease would refuse them.
	beside, stopBeside := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBeside()
	group, failed := errgroup.WithContext(beside)
	for _, run := range r.beside() {
		group.Go(func() error { return unlessCanceled(run(failed)) })
	}
	group.Go(func() error { return h.store.Moves(failed) })
	group.Go(func() error { return control.Serve(failed, commands, h.control(r.ready), h.logger) })
	group.Go(func() error { return unlessClosed(server.Serve(listener)) })

	select {
	case <-ctx.Done():
		h.logger.Info("stopping; running requests may finish, and a second signal ends them")
		h.drain(failed)
	case <-failed.Done():
	}
	err = shutDown(h.config.Limits.Shutdown, server)
	stopBeside()
	return errors.Join(group.Wait(), err)
}

// drain goes on for a while, so that a load balancer sees in time that this node
// is not ready any more: it drops no request that it sends meanwhile.
func (h *house) drain(failed context.Context) {
	h.leaving.Store(true)
	over := time.NewTimer(h.config.Limits.Drain)
	defer over.Stop()
	select {
	case <-over.C:
	case <-failed.Done():
	}
}

// untilItLeaves has every answer of a node that drains close its connection: an
// idle one that is closed later may have a request on its way.
func (h *house) untilItLeaves(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// beside are the services that have work of their own while the issuer runs.
func (r *rooms) beside() []func(context.Context) error {
	runs := []func(context.Context) error{r.ring.Run, r.macs.Run, r.signin.Run, r.signout.Run, r.deliver.Run, r.status.Run, r.sweep}
	if r.nodes != nil {
		runs = append(runs, r.nodes.Run)
	}
	return runs
}

// shutDown lets running requests finish, for at most patience.
func shutDown(patience time.Duration, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("some requests were cut off: %w", err), server.Close())
	}
	return nil
}

// sweep takes out what has expired, a batch at a time, so that no transaction
// holds the others up.
func (h *house) sweep(ctx context.Context) error {
	var sweeping trouble.Report
	rest := time.NewTimer(0)
	defer rest.Stop()
	<-rest.C
	for {
		n, err := h.store.Sweep(ctx, sweepBatch)
		sweeping.Note(ctx, h.logger, "taking what has expired out of the store", err)
		if n == sweepBatch && err == nil {
			continue
		}
		rest.Reset(sweepEvery/2 + rand.N(sweepEvery)) // several nodes do not sweep at once
		select {
		case <-ctx.Done():
			return nil
		case <-rest.C:
		}
	}
}

// announce says in a few lines what a person wants to know first.
func (h *house) announce(out io.Writer, addr net.Addr) {
	issuer := h.config.Issuer
	state, err := filepath.Abs(h.config.State)
	if err != nil {
		state = h.config.State
	}
	fmt.Fprintf(out, "Signet is the issuer %s, listening on %s.\n", issuer, addr)
	if at := h.config.StoreAddress(); at.Shared() {
		fmt.Fprintf(out, "Its store is %s, sealed by the master key from %s.\n", at, h.master.From)
	} else {
		fmt.Fprintf(out, "Its state is in %s, sealed by the master key from %s.\n", state, h.master.From)
	}
	if h.master.InState {
		fmt.Fprintln(out, "In production keep the master key elsewhere (master_key_file): whoever has both can sign.")
	}
	fmt.Fprintf(out, "Try:  curl %s/.well-known/jwks.json\n", issuer)
	fmt.Fprintf(out, "      curl %s/register -H 'Content-Type: application/json' -d '{\"email\":\"ada@example.com\",\"password\":\"correct horse\"}'\n", issuer)
}

func newLogger(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func unlessCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func unlessClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
