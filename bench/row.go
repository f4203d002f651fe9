package main

import (
	"context"
	"fmt"
	"time"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

// Row is one thing that is asked of Signet and of the floor. To add one, write
// it in a file of its own and name it in rows.
type Row struct {
	Name  string // as in -rows
	What  string // what is asked for, for people
	Floor string // what the floor does

	// Settings are the issuer's, besides the ones that keep the throttles out
	// of the way.
	Settings issuer.Settings

	// Conns is how many ask at once, where what -conns says makes no sense.
	Conns []int

	// Prepare makes whatever the requests need. The servers run.
	Prepare func(ctx context.Context, s *Stage) (signet, floor Side, err error)
}

// Stage is the two servers of a row, fresh for it.
type Stage struct {
	Signet, Floor *issuer.Process
	Most          int // the most connections that will ask at once

	ends []func()
}

// AtEnd has fn called before the servers end.
func (s *Stage) AtEnd(fn func()) { s.ends = append(s.ends, fn) }

// Side is what is measured on one side of a row.
type Side struct {
	// PID is the process whose processor time counts; 0 is this one.
	PID int
	// Open makes the i-th asker, who makes one request a call and checks the
	// answer. close may be nil.
	Open func(i int) (call load.Call, close func() error, err error)
}

// Line is what came out for one row at one number of connections.
type Line struct {
	Row, What, FloorDoes string
	Conns                int
	Signet, Floor        load.Sample
	Ratio                load.Spread // Signet's rate by the floor's
}

// warmUp is how long each side is asked before anything counts.
const warmUp = 300 * time.Millisecond

func (b *bench) measure(ctx context.Context, row Row) (lines []Line, err error) {
	stage, err := b.stage(row.Settings)
	if err != nil {
		return nil, err
	}
	defer stage.end()
	signet, floor, err := row.Prepare(ctx, stage)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	for _, side := range []Side{signet, floor} {
		if _, err := side.ask(ctx, 1, warmUp); err != nil {
			return nil, err
		}
	}
	at := row.Conns
	if at == nil {
		at = b.conns
	}
	for _, conns := range at {
		each := b.f.duration() / time.Duration(b.f.rounds)
		sides := [2]Side{signet, floor}
		var samples [2][]load.Sample
		for round := range b.f.rounds {
			for i := range 2 {
				which := (i + round) % 2 // in turns, and neither always first
				sample, err := sides[which].ask(ctx, conns, each)
				if err != nil {
					return nil, err
				}
				samples[which] = append(samples[which], sample)
			}
		}
		lines = append(lines, Line{Row: row.Name, What: row.What, FloorDoes: row.Floor, Conns: conns,
			Signet: load.Join(samples[0]...), Floor: load.Join(samples[1]...),
			Ratio: load.SpreadOf(load.Ratios(samples[0], samples[1]))})
	}
	return lines, ctx.Err()
}

// ask opens the connections, and then all of them ask for d.
func (s Side) ask(ctx context.Context, conns int, d time.Duration) (load.Sample, error) {
	calls := make([]load.Call, conns)
	for i := range calls {
		call, end, err := s.Open(i)
		if err != nil {
			return load.Sample{}, err
		}
		if end != nil {
			defer func() { _ = end() }() // it was only read from
		}
		calls[i] = call
	}
	before := cpuOf(s.PID)
	sample := load.Closed(ctx, calls, d)
	sample.CPU = cpuOf(s.PID) - before
	return sample, ctx.Err()
}
