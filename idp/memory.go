package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// The heap of an issuer is small and what requests leave behind is much: by its
// own measure, as much again as is in use, the collector would run all the time
// under load. So it waits for a fixed amount of garbage, however much is in use,
// until half of what is in use is more. The collector knows a percentage only, so
// that is reckoned anew after each collection.
const (
	garbage      = 24 << 20
	leastPercent = 50
	leastHeap    = 4 << 20 // with less in use, the collector would wait as with this
)

// percent is the collector's, with that many bytes in use, by whose measure the
// stacks and the globals are in use too.
func percent(live uint64) int {
	return max(leastPercent, int(100*garbage/max(live, leastHeap)))
}

// inUse are the metrics that the collector adds up.
var inUse = []string{"/gc/heap/live:bytes", "/gc/scan/stack:bytes", "/gc/scan/globals:bytes"}

func bytesInUse() (bytes uint64) {
	samples := make([]metrics.Sample, len(inUse))
	for i, name := range inUse {
		samples[i].Name = name
	}
	metrics.Read(samples)
	for _, s := range samples {
		bytes += s.Value.Uint64()
	}
	return bytes
}

// pacer sets the percentage until it is stopped.
type pacer struct {
	mu      sync.Mutex
	stopped bool
}

// steady sets the collector up until the returned function is called. Whoever
// set it up by its own variables is left alone.
func steady() (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	p := &pacer{}
	before := debug.SetGCPercent(percent(0))
	p.await()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stopped = true
		debug.SetGCPercent(before)
	}
}

// await calls collected after the next collection, which finds that nobody holds
// the object made here.
func (p *pacer) await() {
	runtime.AddCleanup(&struct{ of *pacer }{p}, (*pacer).collected, p)
}

func (p *pacer) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	debug.SetGCPercent(percent(bytesInUse()))
	p.await()
}
