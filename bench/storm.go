package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

const stormName = "storm"

// The load of the storm.
const (
	stormRate   = 500.0 // requests a second, half for the JWKS and half for refreshes
	stormLogins = 64    // connections that log in as fast as they are let: who is put off comes back when told
	stormChains = 64    // connections of each of the two others
	stormRounds = 2
)

// What the issuer promises: in a storm the p99 is at most so many times the
// quiet one, or under so much.
const (
	stormFactor = 5
	stormUnder  = 10 * time.Millisecond
)

// Weather is what came out for one kind of request.
type Weather struct {
	What         string
	Quiet, Storm load.Sample
}

// Storm is the comparison of quiet times with a storm of logins.
type Storm struct {
	Requests []Weather
	Logins   load.Sample
}

// storm measures with the issuer's own settings for hashing, its cost excepted.
func (b *bench) storm(ctx context.Context) (Section, error) {
	d := 4 * b.f.duration()
	stage, err := b.stage(ctx, "", issuer.Settings{"passwords.hashing_wait": "2s"})
	if err != nil {
		return nil, err
	}
	defer stage.end()
	calls, logins, end, err := stormCalls(ctx, stage)
	defer end()
	if err != nil {
		return nil, err
	}
	out := &Storm{Requests: []Weather{{What: "GET the JWKS"}, {What: "POST /refresh on disk"}}}
	weather := func(d time.Duration) (samples [2]load.Sample) {
		done := make(chan load.Sample)
		go func() { done <- load.Open(ctx, calls[0], stormRate/2, d) }()
		samples[1] = load.Open(ctx, calls[1], stormRate/2, d)
		samples[0] = <-done
		return samples
	}
	weather(time.Second) // warm-up
	for range stormRounds {
		quiet := weather(d / stormRounds)
		raging, calm := context.WithCancel(ctx)
		stormed := make(chan load.Sample)
		go func() { stormed <- load.Closed(raging, logins, time.Hour) }()
		weather(time.Second) // until it rages
		storm := weather(d / stormRounds)
		calm()
		out.Logins = load.Join(out.Logins, <-stormed)
		for i := range out.Requests {
			w := &out.Requests[i]
			w.Quiet, w.Storm = load.Join(w.Quiet, quiet[i]), load.Join(w.Storm, storm[i])
		}
	}
	return out, ctx.Err()
}

// stormCalls opens the connections: for the JWKS, for refreshes, for logins.
func stormCalls(ctx context.Context, s *Stage) (calls [2][]load.Call, logins []load.Call, end func(), err error) {
	var open []*load.Conn
	end = func() {
		for _, c := range open {
			_ = c.Close()
		}
	}
	first, err := loginAll(ctx, s.Signet, stormChains, 1)
	if err != nil {
		return calls, nil, end, err
	}
	want, err := fetch(ctx, s.Provider.JWKS)
	if err != nil {
		return calls, nil, end, err
	}
	all := chains{list: newChains(first), request: jsonRefresh("/refresh")}
	add := func(n int, ask func(i int, c *load.Conn) error) (list []load.Call) {
		for i := range n {
			c, dialed := load.Dial(s.Signet.URL)
			if dialed != nil {
				err = dialed
				return nil
			}
			open = append(open, c)
			list = append(list, func(context.Context) error { return ask(i, c) })
		}
		return list
	}
	calls[0] = add(stormChains, func(_ int, c *load.Conn) error {
		return askSame(c, load.Request{Path: "/.well-known/jwks.json"}, want, bytes.Equal)
	})
	calls[1] = add(stormChains, func(i int, c *load.Conn) error { return all.ask(ctx, i, c) })
	logins = add(stormLogins, func(_ int, c *load.Conn) error { return askLogin(c) })
	for i, call := range logins {
		logins[i] = load.Patient(call)
	}
	return calls, logins, end, err
}

// holds says whether the promise was kept, and false for ok where there were
// too few requests to say.
func (w Weather) holds() (holds, ok bool) {
	quiet, ok1 := w.Quiet.Percentile(0.99)
	storm, ok2 := w.Storm.Percentile(0.99)
	return storm <= stormFactor*quiet || storm < stormUnder, ok1 && ok2 && w.Storm.Errors+w.Storm.Busy == 0
}

func (w Weather) ratio() float64 {
	quiet, _ := w.Quiet.Percentile(0.99)
	storm, _ := w.Storm.Percentile(0.99)
	if quiet == 0 {
		return 0
	}
	return float64(storm) / float64(quiet)
}

func (s *Storm) write(out io.Writer) error {
	fmt.Fprintf(out, "\nA storm of logins on %d connections (%.1f a second, %d put off, %d errors) beside an open loop of %.0f requests a second\n",
		stormLogins, s.Logins.Rate(), s.Logins.Busy, s.Logins.Errors, stormRate)
	w := newTable(out)
	fmt.Fprintln(w, "\trequest\tquiet p50\tp99\tstorm p50\tp99\tp99 ratio\terrors\t")
	for _, q := range s.Requests {
		fmt.Fprintf(w, "\t%s\t%s\t%s\t%s\t%s\t%.1f\t%s\t\n", q.What, percentile(q.Quiet, 0.5), percentile(q.Quiet, 0.99),
			percentile(q.Storm, 0.5), percentile(q.Storm, 0.99), q.ratio(), failures(q.Quiet, q.Storm))
	}
	return w.Flush()
}

func (s *Storm) figures() any {
	type weather struct {
		Request string  `json:"request"`
		Quiet   figures `json:"quiet"`
		Storm   figures `json:"storm"`
		Ratio   float64 `json:"p99_ratio"`
	}
	var doc struct {
		Requests []weather `json:"requests"`
		Logins   figures   `json:"logins"`
	}
	doc.Logins = figuresOf(s.Logins)
	for _, w := range s.Requests {
		doc.Requests = append(doc.Requests, weather{w.What, figuresOf(w.Quiet), figuresOf(w.Storm), w.ratio()})
	}
	return doc
}

func (s *Storm) claims() (all []Claim) {
	for _, w := range s.Requests {
		says := "too few requests to say, or errors"
		holds, ok := w.holds()
		if ok {
			says = fmt.Sprintf("p99 %s, quiet %s; promised: at most %d times, or under %s",
				percentile(w.Storm, 0.99), percentile(w.Quiet, 0.99), stormFactor, short(stormUnder))
		}
		all = append(all, Claim{w.What + " in a storm of logins", says, holds && ok})
	}
	return all
}
