package main

import (
	"context"
	"fmt"
	"time"

	"signet/bench/internal/load"
)

// Side is what is measured on one side of a row.
type Side struct {
	// PID is the process whose processor time counts: 0 is this one, and a
	// negative one is not known.
	PID int
	// Open makes the i-th asker, who makes one request a call and checks the
	// answer. close may be nil.
	Open func(i int) (call load.Call, close func() error, err error)
	// Stock makes ready what n requests use up, where they do: a stretch of the
	// measurement ends when it is used up.
	Stock func(ctx context.Context, n int) error
	// Most is how many can ask at once; 0: as many as you like.
	Most int
}

// connected makes a side that asks the server of a URL over connections that are
// kept open. ask makes one request.
func connected(pid int, server string, ask func(ctx context.Context, i int, c *load.Conn) error) Side {
	return Side{PID: pid, Open: func(i int) (load.Call, func() error, error) {
		c, err := load.Dial(server)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) error { return ask(ctx, i, c) }, c.Close, nil
	}}
}

// measured makes the side of who is measured.
func (s *Stage) measured(server string, ask func(ctx context.Context, i int, c *load.Conn) error) Side {
	pid := s.Provider.PID
	if pid == 0 {
		pid = unknownPID
	}
	return connected(pid, server, ask)
}

// floorSide makes the other side.
func (s *Stage) floorSide(ask func(ctx context.Context, i int, c *load.Conn) error) Side {
	return connected(s.Floor.PID(), s.Floor.URL, ask)
}

const unknownPID = -1

// inProcess makes a side that is this process.
func inProcess(call load.Call) Side {
	return Side{Open: func(int) (load.Call, func() error, error) { return call, nil, nil }}
}

// stretch makes ready what requests at about that rate use up in d, opens the
// connections, and then all of them ask for d.
func (s Side) stretch(ctx context.Context, conns int, d time.Duration, rate float64, m *meter) (load.Sample, error) {
	if s.Stock != nil {
		if err := s.Stock(ctx, int(rate*d.Seconds()*1.3)+64); err != nil {
			return load.Sample{}, fmt.Errorf("what the requests use up: %w", err)
		}
	}
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
	m.start(ctx)
	before := cpuOf(s.PID)
	sample := load.Closed(ctx, calls, d)
	sample.CPU = cpuOf(s.PID) - before
	m.stop(ctx)
	return sample, ctx.Err()
}
