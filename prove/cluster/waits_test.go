//go:build engines && unix

package cluster

import (
	"fmt"
	"sync"
	"time"
)

// wait is how long a client asked until it was answered.
type wait struct {
	begin, end time.Time
	silent     []string // what came instead of answers
}

// waits are those of all clients.
type waits struct {
	mu  sync.Mutex
	all []wait
}

func (w *waits) add(one wait) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
}

// outage is what clients noticed of a fault.
type outage struct {
	longest time.Duration  // that one of them asked until it was answered
	asked   int            // how many asked
	again   int            // how many had to ask again
	silent  map[string]int // what came instead of answers, and how often
}

// since are the waits that were not over at an instant, and those after it.
func (w *waits) since(t time.Time) outage {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := outage{silent: map[string]int{}}
	for _, one := range w.all {
		if one.end.Before(t) {
			continue
		}
		o.asked++
		o.longest = max(o.longest, one.end.Sub(one.begin))
		if len(one.silent) > 0 {
			o.again++
		}
		for _, s := range one.silent {
			o.silent[s]++
		}
	}
	return o
}

func (o outage) String() string {
	return fmt.Sprintf("the longest wait was %s; %d of %d had to ask again", o.longest.Round(time.Millisecond), o.again, o.asked)
}
