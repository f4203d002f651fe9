package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"signet/bench/internal/load"
	"signet/bench/internal/seed"
	"signet/prove/issuer"
)

const scaleName = "scale"

// Scale is what the size of a store costs: a seeded one beside an empty one, of
// the same issuer.
type Scale struct {
	Seeded seed.Store
	Starts int
	Start  struct{ Seeded, Empty time.Duration } // to the first answer; medians
	Idle   struct{ Seeded, Empty int64 }         // RssAnon, after the last start
	Loaded struct{ Seeded, Empty int64 }         // and after all rows
	File   struct{ Before, After int64 }         // length of the seeded store's file
	Backup struct {
		Took  time.Duration
		Bytes int64
		Anon  int64 // the issuer's RssAnon right after it
	}
	Introduced time.Duration // how long it took until each client had its first token
	Rows       []ScaleLine
}

// ScaleLine is what came out for one request at one number of connections.
type ScaleLine struct {
	Row           string
	Conns         int
	Seeded, Empty load.Sample
	Ratio         load.Spread // the seeded store's rate by the empty one's
	Least         float64     // that is promised of the median; 0: nothing is
}

// cpu is the processor time of a request at the empty store by that at the
// seeded one: where other programs have the processors, rates say little.
func (l ScaleLine) cpu() float64 {
	if l.Seeded.CPUEach() == 0 {
		return 0
	}
	return float64(l.Empty.CPUEach()) / float64(l.Seeded.CPUEach())
}

// holds tells whether the row is as fast as is promised.
func (l ScaleLine) holds() bool {
	return l.Ratio.Median >= l.Least && l.Seeded.Errors+l.Empty.Errors == 0
}

const (
	scaleStarts = 5
	startWithin = time.Second
	mostLoaded  = 60e6 // bytes of RssAnon
)

// scale measures on a copy of the store, which stays as it is.
func (b *bench) scale(ctx context.Context) (Section, error) {
	store, err := seed.Open(b.f.store)
	if err != nil {
		return nil, err
	}
	out := &Scale{Seeded: store, Starts: scaleStarts}
	worlds, err := b.worlds(store)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, w := range worlds {
			w.end()
		}
	}()
	file := filepath.Join(worlds[0].home.State, "signet.db")
	out.File.Before = lengthOf(file)
	for i, took := range []*time.Duration{&out.Start.Seeded, &out.Start.Empty} {
		if *took, err = worlds[i].start(scaleStarts); err != nil {
			return nil, err
		}
	}
	out.Idle.Seeded, out.Idle.Empty = memoryOf(worlds[0].p.PID()).Anonymous, memoryOf(worlds[1].p.PID()).Anonymous
	for _, w := range worlds {
		if err := w.furnish(ctx, b.mostConns()); err != nil {
			return nil, err
		}
	}
	for _, row := range scaleRows {
		fmt.Fprintf(os.Stderr, "measuring %s %s\n", scaleName, row.name)
		if row.name == anyClient {
			if out.Introduced, err = worlds[0].introduce(ctx, b.mostConns()); err != nil {
				return nil, fmt.Errorf("the first token of each client: %w", err)
			}
		}
		lines, err := b.compare(ctx, row, worlds)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.name, err)
		}
		out.Rows = append(out.Rows, lines...)
	}
	out.Loaded.Seeded, out.Loaded.Empty = memoryOf(worlds[0].p.PID()).Anonymous, memoryOf(worlds[1].p.PID()).Anonymous
	out.File.After = lengthOf(file)
	return out, out.backup(ctx, worlds[0].p, filepath.Join(b.dir, "scale.backup"))
}

// worlds are the seeded one, on a copy, and the empty one. Both issuers have the
// same settings, audiences and all: what differs is what is in the store.
func (b *bench) worlds(store seed.Store) (w [2]*world, err error) {
	settings := store.Settings().With(loginRow.Settings)
	for i, name := range []string{"seeded", "empty"} {
		w[i] = &world{}
		if w[i].home, err = b.home(b.signet, name, "", settings); err != nil {
			return w, err
		}
	}
	w[0].store = store
	return w, copyFolder(w[0].home.State, store.State())
}

func (s *Scale) backup(ctx context.Context, p *issuer.Process, file string) error {
	began := time.Now()
	if out, err := p.Command(ctx, "backup", file).CombinedOutput(); err != nil {
		return fmt.Errorf("backup: %w: %s", err, out)
	}
	s.Backup.Took, s.Backup.Bytes, s.Backup.Anon = time.Since(began), lengthOf(file), memoryOf(p.PID()).Anonymous
	return nil
}

func (b *bench) mostConns() int { return slices.Max(b.conns) }

// compare asks both in turns, as measure does.
func (b *bench) compare(ctx context.Context, row scaleRow, worlds [2]*world) (lines []ScaleLine, err error) {
	var sides [2]Side
	for i, w := range worlds {
		ask := row.ask(w)
		sides[i] = connected(w.p.PID(), w.p.URL, func(_ context.Context, i int, c *load.Conn) error { return ask(i, c) })
		if _, err := sides[i].stretch(ctx, 1, warmUp, guess, nil); err != nil {
			return nil, err
		}
	}
	at := row.conns
	if at == nil {
		at = b.conns
	}
	for _, conns := range at {
		var samples [2][]load.Sample
		for round := range b.f.rounds {
			for i := range sides {
				which := (i + round) % 2
				sample, err := sides[which].stretch(ctx, conns, b.f.duration()/time.Duration(b.f.rounds), guess, nil)
				if err != nil {
					return nil, err
				}
				samples[which] = append(samples[which], sample)
			}
		}
		lines = append(lines, ScaleLine{Row: row.name, Conns: conns, Seeded: load.Join(samples[0]...), Empty: load.Join(samples[1]...),
			Ratio: load.SpreadOf(load.Ratios(samples[0], samples[1])), Least: row.least})
	}
	return lines, nil
}

// start starts the issuer some times, and returns the median of how long it was
// until the first answer. The last one runs on.
func (w *world) start(times int) (time.Duration, error) {
	var took []time.Duration
	for i := range times + 1 {
		if w.p != nil {
			if err := w.p.Stop(); err != nil {
				return 0, err
			}
		}
		began := time.Now()
		var err error
		if w.p, err = w.home.Start(); err != nil {
			return 0, err
		}
		if i > 0 { // the first makes keys, where there are none
			took = append(took, time.Since(began))
		}
	}
	return median(took), nil
}

func (w *world) end() {
	if w.p != nil {
		w.p.Kill()
	}
}

func lengthOf(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// copyFolder copies the files of a folder of an issuer that does not run.
func copyFolder(to, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			if err := copyFile(filepath.Join(to, e.Name()), filepath.Join(from, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync() // not while something is measured
	}
	return errors.Join(err, out.Close())
}
