package main

import (
	"context"
	"fmt"
	"time"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

// engineWorld is a store on an engine, with its issuers, and what is asked of
// them.
type engineWorld struct {
	kind    string
	engine  engine
	store   string
	issuers []*issuer.Process
	chains  chains
	alone   spent // a second, while nobody asks
}

// lease is short because issuers look about for two of them before they give out
// what those of an earlier release would not read: refresh tokens with a hint.
const lease = 4 * time.Second

func storeName(issuers int) string { return fmt.Sprintf("signet%d", issuers) }

// engineWorld starts that many issuers on a fresh store of the engine.
func (b *bench) engineWorld(ctx context.Context, t *tester, kind string, e engine, master string, issuers int) (*engineWorld, error) {
	w := &engineWorld{kind: kind, engine: e, store: storeName(issuers)}
	settings := loginRow.Settings.With(issuer.Settings{"master_key_file": master, "keys.lease": lease.String()})
	if at := e.address(w.store); at != "" {
		settings["store"] = at
	}
	name := ""
	for range issuers {
		home, err := b.signetHome("ES256", settings)
		if err != nil {
			return nil, err
		}
		if name == "" {
			name = home.URL
		}
		home.Name = name
		p, err := home.Start()
		if err != nil {
			return nil, err
		}
		t.Cleanup(p.Kill)
		w.issuers = append(w.issuers, p)
	}
	first, err := loginAll(ctx, w.issuers[0], b.mostConns(), 4)
	w.chains = chains{list: newChains(first), request: jsonRefresh("/refresh")}
	return w, err
}

// stretch asks by so many who each go to another issuer with each request.
func (w *engineWorld) stretch(ctx context.Context, ask func(int, *load.Conn) error, conns int, d time.Duration) (load.Sample, error) {
	calls := make([]load.Call, conns)
	for i := range calls {
		to := make([]*load.Conn, len(w.issuers))
		for n, p := range w.issuers {
			c, err := load.Dial(p.URL)
			if err != nil {
				return load.Sample{}, err
			}
			defer c.Close()
			to[n] = c
		}
		next := i
		calls[i] = func(context.Context) error {
			next++
			return ask(i, to[next%len(to)])
		}
	}
	before := w.cpu()
	sample := load.Closed(ctx, calls, d)
	sample.CPU = w.cpu() - before
	return sample, ctx.Err()
}

func (w *engineWorld) cpu() (used time.Duration) {
	for _, p := range w.issuers {
		used += cpuOf(p.PID())
	}
	return used
}
