package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// The heap of an issuer is small and what requests leave behind is much: by its
// own measure, as much again as is in use, the collector would run all the time
// under load. With a ballast it waits for half of what is in use and half of the
// ballast; so a large heap, too, grows by half and not to double its size.
const (
	ballast   = 40 << 20 // never written to, so it takes no memory
	gcPercent = 50
)

// held is how much of what the runtime counts as in use is ballast.
var held atomic.Int64

// steady sets the collector up until the returned function is called. Whoever
// set it up by its own variables is left alone.
func steady() (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	weight := make([]byte, ballast)
	held.Add(ballast)
	before := debug.SetGCPercent(gcPercent)
	return func() {
		debug.SetGCPercent(before)
		held.Add(-ballast)
		runtime.KeepAlive(weight)
	}
}
