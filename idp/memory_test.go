package main

import (
	"runtime"
	"testing"
)

// Nobody but the collector is told of the ballast.
func TestTheBallastIsSaidToBeThereForAsLongAsItIs(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := held.Load()
	release := steady()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if got := held.Load() - before; got != ballast || m.HeapAlloc < ballast {
		t.Errorf("%d bytes are said to be ballast, and %d are on the heap", got, m.HeapAlloc)
	}
	release()
	if held.Load() != before {
		t.Errorf("%d bytes are said to be ballast when it is gone", held.Load()-before)
	}
}

func TestWhoSetsTheCollectorUpHasNoBallast(t *testing.T) {
	t.Setenv("GOGC", "100")
	before := held.Load()
	defer steady()()
	if held.Load() != before {
		t.Error("there is ballast")
	}
}
