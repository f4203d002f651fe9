package main

import (
	"fmt"
	"time"
)

// Claim is what is promised of something, held against what was measured.
type Claim struct {
	Of    string `json:"of"`
	Says  string `json:"says"`
	Holds bool   `json:"holds"`
}

// promise makes the claim of a line; ok is false where it makes none.
type promise func(l Line) (says string, holds, ok bool)

// promised makes the claims of a line. None holds where requests failed.
func promised(promises []promise, l Line) (claims []Claim) {
	clean := l.Measured.Errors+l.Measured.Busy == 0 && len(l.Measured.Latencies) > 0
	for _, p := range promises {
		if says, holds, ok := p(l); ok {
			claims = append(claims, Claim{fmt.Sprintf("%s on %d", l.Row, l.Conns), says, holds && clean})
		}
	}
	return claims
}

// ofFloor promises a share of the floor's rate: the median of the rounds.
func ofFloor(least float64) promise {
	return func(l Line) (string, bool, bool) {
		return fmt.Sprintf("%.2f of its floor; promised: at least %.2f", l.Ratio.Median, least), l.Ratio.Median >= least, true
	}
}

// onConns makes a promise for one number of connections.
func onConns(conns int, p promise) promise {
	return func(l Line) (string, bool, bool) {
		if l.Conns != conns {
			return "", false, false
		}
		return p(l)
	}
}

// commits promises at most so many commits a request.
func commits(most float64) promise {
	return func(l Line) (string, bool, bool) {
		return fmt.Sprintf("%.2f commits a request; promised: at most %.2f", l.Cost.Commits, most),
			l.Cost.Commits <= most+commitNoise, l.Cost.Known
	}
}

// commitNoise is what the issuer may commit meanwhile by itself.
const commitNoise = 0.005

// rate promises a number of requests a second: what somebody else reaches.
func rate(least float64, who string) promise {
	return func(l Line) (string, bool, bool) {
		return fmt.Sprintf("%.0f requests a second; promised: more than %.0f, %s", l.Measured.Rate(), least, who), l.Measured.Rate() > least, true
	}
}

// What is promised of a verification. The bare check of the same token is the
// floor of the same run. The medians are compared: when other programs take the
// processor, they take it from few of the calls.
const (
	mostFirst  = 1.3 // times the bare check, for a token never seen before
	mostSeen   = 2 * time.Microsecond
	mostAllocs = 2 // for a token seen before
)

func promiseFirst(l Line) (says string, holds, ok bool) {
	ours, _ := l.Measured.Percentile(0.5)
	bare, enough := l.Floor.Percentile(0.5)
	times := float64(ours) / float64(max(bare, 1))
	return fmt.Sprintf("%.2f times the bare check (%s and %s); promised: at most %.1f times", times, short(ours), short(bare), mostFirst),
		enough && times <= mostFirst, true
}

func promiseSeen(l Line) (says string, holds, ok bool) {
	ours, enough := l.Measured.Percentile(0.5)
	return fmt.Sprintf("%s, %.0f allocations; promised: at most %s and %d", short(ours), l.Cost.Allocs, short(mostSeen), mostAllocs),
		enough && ours <= mostSeen && l.Cost.Known && l.Cost.Allocs <= mostAllocs+allocNoise, true
}

// allocNoise is what the rest of the process may allocate meanwhile: the keys
// are followed beside.
const allocNoise = 0.1
