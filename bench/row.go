package main

import (
	"context"
	"fmt"
	"time"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

// Row is one thing that is asked of Signet, or with -against of another
// provider, and of the floor. To add one, write it in a file of its own and name
// it in rows.
type Row struct {
	Name  string // as in -rows
	What  string // what is asked for, for people
	Floor string // what the floor does

	// Alg signs all that Signet signs, and is all that it has keys for. "" is
	// what everybody has.
	Alg string
	// Settings are the issuer's, besides the ones that keep the throttles out
	// of the way.
	Settings issuer.Settings

	// Conns is how many ask at once, where what -conns says makes no sense.
	Conns []int

	// Claims hold what came out against what is promised of the row, if
	// anything is.
	Claims []promise

	// Prepare makes whatever the requests need. The servers run. It fails with
	// errLacks where the row makes no sense for the provider.
	Prepare func(ctx context.Context, s *Stage) (measured, floor Side, err error)
}

// Line is what came out for one row at one number of connections.
type Line struct {
	Row, What, FloorDoes string
	Conns                int
	Measured, Floor      load.Sample
	Ratio                load.Spread // the rate of who is measured by the floor's
	Cost                 Cost        // of one request to who is measured
	Claims               []Claim
}

// Cost is what one request takes of Signet, besides time.
type Cost struct {
	Known           bool
	Allocs, Commits float64
}

// warmUp is how long each side is asked before anything counts, at most: no
// longer than one round.
const warmUp = 200 * time.Millisecond

// guess is how many requests a second are expected before anything was measured.
const guess = 10_000

func (b *bench) measure(ctx context.Context, row Row) (lines []Line, err error) {
	stage, err := b.stage(ctx, row.Alg, row.Settings)
	if err != nil {
		return nil, err
	}
	defer stage.end()
	measured, floor, err := row.Prepare(ctx, stage)
	if err != nil {
		return nil, err
	}
	at := row.Conns
	if at == nil {
		at = b.conns
	}
	for _, conns := range at {
		if measured.Most > 0 && conns > measured.Most {
			continue
		}
		line, err := b.line(ctx, stage, [2]Side{measured, floor}, conns)
		if err != nil {
			return lines, err
		}
		line.Row, line.What, line.FloorDoes = row.Name, row.What, row.Floor
		if b.against == nil { // of others nothing is promised
			line.Claims = promised(row.Claims, line)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil, errLacks(fmt.Sprintf("at most %d can ask at once", measured.Most))
	}
	return lines, ctx.Err()
}

// line asks both sides in turns, with the same load.
func (b *bench) line(ctx context.Context, s *Stage, sides [2]Side, conns int) (line Line, err error) {
	each := b.f.duration() / time.Duration(b.f.rounds)
	var rates [2]float64
	for i, side := range sides {
		warm, err := side.stretch(ctx, conns, min(warmUp, each), guess, nil)
		if err != nil {
			return line, err
		}
		rates[i] = max(warm.Rate(), 100)
	}
	meters := [2]*meter{s.meter(sides[0]), nil}
	var samples [2][]load.Sample
	for round := range b.f.rounds {
		for i := range sides {
			which := (i + round) % 2 // in turns, and neither always first
			sample, err := sides[which].stretch(ctx, conns, each, rates[which], meters[which])
			if err != nil {
				return line, err
			}
			samples[which] = append(samples[which], sample)
			rates[which] = max(rates[which], sample.Rate())
		}
	}
	line = Line{Conns: conns, Measured: load.Join(samples[0]...), Floor: load.Join(samples[1]...),
		Ratio: load.SpreadOf(load.Ratios(samples[0], samples[1]))}
	if sides[0].PID == 0 {
		line.Cost, err = costHere(ctx, sides[0])
	} else {
		line.Cost = meters[0].each(len(line.Measured.Latencies))
	}
	return line, err
}
