package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

func gogc() uint64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// collectUntil collects until the percentage is as it should be.
func collectUntil(t *testing.T, what string, ok func(percent uint64) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(gogc()); runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: the collector still has %d percent", what, gogc())
		}
	}
}

func TestTheCollectorWaitsForAFixedAmountOfGarbage(t *testing.T) {
	for live, want := range map[uint64]int{0: 600, leastHeap: 600, 8 << 20: 300, 24 << 20: 100, 48 << 20: 50, 1 << 30: 50} {
		if got := percent(live); got != want {
			t.Errorf("with %d bytes in use %d percent, want %d", live, got, want)
		}
	}
}

func TestTheCollectorIsSetUpAfterEachCollectionAndLeftAsItWas(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := gogc()
	release := steady()
	held := make([]byte, 256<<20) // never written to, so it takes no memory
	collectUntil(t, "with much in use", func(p uint64) bool { return p == leastPercent })
	runtime.KeepAlive(held)
	held = nil
	collectUntil(t, "with less in use", func(p uint64) bool { return p > leastPercent })
	release()
	for range 3 {
		runtime.GC()
	}
	if got := gogc(); got != before {
		t.Errorf("%d percent afterwards, want %d", got, before)
	}
}

func TestWhoSetsTheCollectorUpIsLeftAlone(t *testing.T) {
	t.Setenv("GOGC", "100")
	before := gogc()
	defer steady()()
	if got := gogc(); got != before {
		t.Errorf("%d percent, want %d", got, before)
	}
}
