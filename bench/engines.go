package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"signet/bench/internal/load"
)

const enginesName = "engines"

// Engines is what the same requests cost on each engine, with one, two and three
// issuers on a store.
type Engines struct {
	Lines   []EngineLine
	First   []FirstSight
	Alone   []Alone
	LeftOut []Omission // engines that are not installed
}

// EngineLine is what came out for one request of so many issuers on an engine.
type EngineLine struct {
	Engine  string
	Issuers int
	Row     string
	Conns   int
	Sample  load.Sample
	Cost    EngineCost // of one request; what the issuers do by themselves is taken off
}

// EngineCost is what something takes of an engine.
type EngineCost struct {
	Trips        float64 `json:"round_trips"`  // of the issuers to the engine
	Transactions float64 `json:"transactions"` // of the issuers that may write
	Conflicts    float64 `json:"conflicts"`    // that had to be made again
	Commits      float64 `json:"commits"`      // of the engine
	Written      float64 `json:"bytes_written"`
	Kept         float64 `json:"bytes_kept"`
}

// FirstSight is what a refresh takes at an issuer that has seen neither the
// grant nor the person.
type FirstSight struct {
	Engine string
	People int
	Trips  float64
}

// Alone is what an issuer does by itself, a second.
type Alone struct {
	Engine string
	Trips  float64
}

// engineRow is one request, of issuers that take turns.
type engineRow struct {
	name  string
	most  int // connections; 0: as many as you like
	first int // that each issuer is asked before anything counts
	ask   func(w *engineWorld) func(i int, c *load.Conn) error
}

var engineRows = []engineRow{
	{turnsRow, 0, 0, func(w *engineWorld) func(int, *load.Conn) error {
		return func(i int, c *load.Conn) error { _, err := w.chains.turn(i, c); return err }
	}},
	{"login", slices.Max(oneAndAll), 0, func(*engineWorld) func(int, *load.Conn) error {
		return func(_ int, c *load.Conn) error { return askLogin(c) }
	}},
	{clientsRow, 0, fewTokens, func(*engineWorld) func(int, *load.Conn) error {
		own := basic(clientID, clientSecret)
		return func(_ int, c *load.Conn) error { return askClientToken(c, own) }
	}},
}

// The rows of which something is promised, and how many issuers there are at
// most.
const (
	turnsRow    = "refresh"
	clientsRow  = "client_credentials"
	mostIssuers = 3
)

// fewTokens are those of a client's first, small blocks of a status list: who
// has had them reserves another block seldom.
const fewTokens = 512

// engines starts all that is installed, and asks all stores in turns.
func (b *bench) engines(ctx context.Context) (_ Section, err error) {
	t := &tester{dir: b.dir}
	defer func() { err = errors.Join(err, t.end()) }()
	out := &Engines{}
	worlds, err := b.engineWorlds(ctx, t, out)
	if err != nil {
		return nil, err
	}
	if err := out.alone(ctx, worlds, 6*b.f.duration()); err != nil {
		return nil, err
	}
	for _, row := range engineRows {
		if err := row.begin(worlds); err != nil {
			return nil, fmt.Errorf("%s: %w", row.name, err)
		}
		for _, conns := range b.engineConns(row) {
			fmt.Fprintf(os.Stderr, "measuring %s %s on %d\n", enginesName, row.name, conns)
			lines, err := b.inTurns(ctx, row, worlds, conns)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", row.name, err)
			}
			out.Lines = append(out.Lines, lines...)
		}
	}
	return out, out.firstSights(ctx, worlds)
}

// begin asks each issuer a few times.
func (r engineRow) begin(worlds []*engineWorld) error {
	for _, w := range worlds {
		ask := r.ask(w)
		for _, p := range w.issuers {
			c, err := load.Dial(p.URL)
			if err != nil {
				return err
			}
			for i := 0; i < r.first && err == nil; i++ {
				err = ask(0, c)
			}
			if err := errors.Join(err, c.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

// engineConns are the least and the most of -conns.
func (b *bench) engineConns(row engineRow) []int {
	least, most := slices.Min(b.conns), b.mostConns()
	if row.most > 0 {
		least, most = min(least, row.most), min(most, row.most)
	}
	return slices.Compact([]int{least, most})
}

func (b *bench) engineWorlds(ctx context.Context, t *tester, out *Engines) (worlds []*engineWorld, err error) {
	home, err := b.signetHome("ES256", nil)
	if err != nil {
		return nil, err
	}
	master := filepath.Join(filepath.Dir(home.State), "master.key")
	if said, err := home.Command(ctx, "keys", "new-master-key", master).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	for _, kind := range engineKinds {
		fmt.Fprintf(os.Stderr, "starting %s\n", kind.name)
		var e engine
		err := t.try(func() { e = kind.start(t) })
		var lacks errLacks
		if errors.As(err, &lacks) {
			out.LeftOut = append(out.LeftOut, Omission{kind.name, lacks.Error()})
			continue
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name, err)
		}
		for n := 1; n <= kind.issuers; n++ {
			w, err := b.engineWorld(ctx, t, kind.name, e, master, n)
			if err != nil {
				return nil, fmt.Errorf("%s, %d issuers: %w", kind.name, n, err)
			}
			worlds = append(worlds, w)
		}
	}
	return worlds, nil
}

// alone looks what the issuers do while nobody asks.
func (out *Engines) alone(ctx context.Context, worlds []*engineWorld, d time.Duration) error {
	meters := make([]engineMeter, len(worlds))
	for i, w := range worlds {
		if err := meters[i].add(ctx, w, -1); err != nil {
			return err
		}
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return ctx.Err()
	}
	for i, w := range worlds {
		if err := meters[i].add(ctx, w, 1); err != nil {
			return err
		}
		w.alone = spent{}.add(meters[i].spent, 1/meters[i].took.Seconds())
		if len(w.issuers) == 1 && w.kind != onBolt {
			out.Alone = append(out.Alone, Alone{w.kind, w.alone.trips})
		}
	}
	return nil
}

// inTurns asks one store after the other, round by round, and none always first.
func (b *bench) inTurns(ctx context.Context, row engineRow, worlds []*engineWorld, conns int) ([]EngineLine, error) {
	lines := make([]EngineLine, len(worlds))
	meters := make([]engineMeter, len(worlds))
	each := b.f.duration() / time.Duration(b.f.rounds)
	asks := make([]func(int, *load.Conn) error, len(worlds))
	for i, w := range worlds {
		lines[i] = EngineLine{Engine: w.kind, Issuers: len(w.issuers), Row: row.name, Conns: conns}
		asks[i] = row.ask(w)
		if _, err := w.stretch(ctx, asks[i], conns, min(warmUp, each)); err != nil {
			return nil, err
		}
	}
	for round := range b.f.rounds {
		for i := range worlds {
			which := (i + round) % len(worlds)
			w, m := worlds[which], &meters[which]
			if err := m.add(ctx, w, -1); err != nil {
				return nil, err
			}
			sample, err := w.stretch(ctx, asks[which], conns, each)
			if err != nil {
				return nil, err
			}
			if err := m.add(ctx, w, 1); err != nil {
				return nil, err
			}
			lines[which].Sample = load.Join(lines[which].Sample, sample)
		}
	}
	for i, w := range worlds {
		lines[i].Cost = meters[i].each(w, len(lines[i].Sample.Latencies))
	}
	return lines, nil
}
