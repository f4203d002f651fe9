package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

const startName = "start"

// How often an issuer is started, and what is promised of a start.
const (
	firstStarts = 5
	coldStarts  = 21
	mostStart   = 50 * time.Millisecond
)

// Starts is how long it takes from the start of the process to its first answer,
// the JWKS, and how large the program is.
type Starts struct {
	First []time.Duration `json:"first_ns"`     // with nothing there: keys are made
	Cold  []time.Duration `json:"existing_ns"`  // on a store that is there
	Bytes int64           `json:"binary_bytes"` // of the program
}

func (b *bench) starts(ctx context.Context) (Section, error) {
	out := &Starts{}
	info, err := os.Stat(b.signet)
	if err != nil {
		return nil, err
	}
	out.Bytes = info.Size()
	var home issuer.Home
	for range firstStarts {
		if home, err = b.signetHome("", nil); err != nil {
			return nil, err
		}
		if err := startOnce(ctx, home, &out.First); err != nil {
			return nil, err
		}
	}
	for range coldStarts {
		if err := startOnce(ctx, home, &out.Cold); err != nil {
			return nil, err
		}
	}
	slices.Sort(out.First)
	slices.Sort(out.Cold)
	return out, nil
}

// startOnce starts the issuer, waits for an answer, notes the time and stops it.
func startOnce(ctx context.Context, home issuer.Home, took *[]time.Duration) error {
	began := time.Now()
	p, err := home.Spawn()
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := firstAnswer(ctx, p); err != nil {
		return fmt.Errorf("%w; its log:\n%s", err, p.Log())
	}
	*took = append(*took, time.Since(began))
	return p.Stop()
}

// firstAnswer asks until the issuer answers.
func firstAnswer(ctx context.Context, p *issuer.Process) error {
	every := time.NewTicker(200 * time.Microsecond)
	defer every.Stop()
	for {
		c, err := load.Dial(p.URL)
		if err == nil {
			_, err = c.Get("/.well-known/jwks.json")
			_ = c.Close()
			return err
		}
		select {
		case <-every.C:
		case <-p.Done():
			return fmt.Errorf("the issuer ended before it answered")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Starts) write(out io.Writer) error {
	_, err := fmt.Fprintf(out, "\nFrom the start of the process to its first answer, median (least–most): on an existing store %s; the very first start, which makes keys, %s. The binary has %.1f MB.\n",
		between(s.Cold), between(s.First), float64(s.Bytes)/1e6)
	return err
}

// between says the median, the least and the most of sorted times.
func between(sorted []time.Duration) string {
	n := len(sorted)
	return fmt.Sprintf("%s (%s–%s)", short(sorted[n/2]), short(sorted[0]), short(sorted[n-1]))
}

func (s *Starts) figures() any { return s }

func (s *Starts) claims() []Claim {
	middle := s.Cold[len(s.Cold)/2]
	return []Claim{{"start on an existing store", fmt.Sprintf("%s; promised: at most %s", short(middle), short(mostStart)), middle <= mostStart}}
}
