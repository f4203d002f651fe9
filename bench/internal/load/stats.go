package load

import (
	"math"
	"slices"
	"time"
)

// Sample is what was measured in one stretch.
type Sample struct {
	Latencies []time.Duration // of the requests that were answered well
	Busy      int             // the server asked to come back later
	Errors    int             // anything else
	First     error           // the first of both
	Elapsed   time.Duration
	CPU       time.Duration // of the side that was asked; 0: not known
}

// Rate is the requests answered well, per second.
func (s Sample) Rate() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(len(s.Latencies)) / s.Elapsed.Seconds()
}

// CPUEach is the processor time that a request took, or 0.
func (s Sample) CPUEach() time.Duration {
	if len(s.Latencies) == 0 {
		return 0
	}
	return s.CPU / time.Duration(len(s.Latencies))
}

// Join puts the samples of several stretches together.
func Join(samples ...Sample) Sample {
	var all Sample
	for _, s := range samples {
		all.Latencies = append(all.Latencies, s.Latencies...)
		all.Busy += s.Busy
		all.Errors += s.Errors
		all.Elapsed += s.Elapsed
		all.CPU += s.CPU
		if all.First == nil {
			all.First = s.First
		}
	}
	return all
}

// Percentile is the least latency that the share q of all does not exceed
// (nearest rank). It is false where there are too few samples for it to mean
// anything: at least ten must lie beyond it, or it is the median.
func (s Sample) Percentile(q float64) (time.Duration, bool) {
	n := len(s.Latencies)
	if n == 0 || q > 0.5 && float64(n)*(1-q) < 10-1e-6 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(s.Latencies))
	rank := int(math.Ceil(q*float64(n) - 1e-9))
	return sorted[min(max(rank, 1), n)-1], true
}

// Spread is a number with how far it went from round to round.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf returns the median, the least and the most; zeros for nothing.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// Ratios divides the rates round by round, so that what slowed a whole round
// down slows both sides. Rounds in which b did nothing are left out.
func Ratios(a, b []Sample) []float64 {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		if r := b[i].Rate(); r > 0 {
			ratios = append(ratios, a[i].Rate()/r)
		}
	}
	return ratios
}
