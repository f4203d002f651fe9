package kvtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"signet/data/kv"
)

// Limits are what an engine takes less of than others. The zero value is an
// engine that takes all.
type Limits struct {
	Value int // bytes; kv.MaxValue unless set
}

func (l Limits) value() int {
	if l.Value > 0 {
		return l.Value
	}
	return kv.MaxValue
}

// Run runs the suite. open returns an empty engine and closes it, with
// t.Cleanup, when the test is over; the suite may have closed it already.
func Run(t *testing.T, open func(t *testing.T) kv.Engine) { Limits{}.Run(t, open) }

// Run runs the suite on an engine with limits of its own.
func (l Limits) Run(t *testing.T, open func(t *testing.T) kv.Engine) {
	for _, c := range []struct {
		name string
		test func(*testing.T, kv.Engine)
	}{
		{"a transaction reads its own writes", readsOwnWrites},
		{"a commit is read by the next transaction", readsCommits},
		{"a scan is ordered and bounded by prefix and start", scanBounds},
		{"a scan sees the puts, overwrites and deletes of its transaction", scanOwnWrites},
		{"a scan sees the writes made before it began", scanWhileWriting},
		{"a scan stops when told", scanStops},
		{"an error discards the writes and is returned as it is", errorDiscards},
		{"a panic reaches its caller and leaves the engine usable", panicDiscards},
		{"a goroutine that exits inside a function leaves the engine usable", exitDiscards},
		{"an empty key or value is refused", refusesEmpty},
		{"a pair that is too long is refused, the longest one is not", l.refusesLong},
		{"what was put is copied", copies},
		{"deleting what is not there is no error", deletesNothing},
		{"a context that has ended runs nothing", endedContext},
		{"a view is consistent while updates go on", viewIsConsistent},
		{"a watch wakes after a commit under its prefix", watchWakes},
		{"a watch is silent for a rollback and after its end", watchSilent},
		{"a closed engine refuses everything", closedRefuses},
		{"closing twice is no error", closesTwice},
		{"increments from many goroutines all count", countersRace},
		{"of two that would break a rule together, one sees the other", writeSkew},
		{"of many that take the same key, one wins", oneWinner},
		{"a failing function among others fails alone", failsAlone},
		{"random transactions agree with a map", agreesWithMap},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// RunNodes runs what engines on one store promise each other, each as the
// engine of a node of its own. open returns n engines on an empty store, and
// closes them with t.Cleanup.
func RunNodes(t *testing.T, open func(t *testing.T, n int) []kv.Engine) {
	for _, c := range []struct {
		name string
		test func(*testing.T, []kv.Engine)
	}{
		{"a commit on one node is read on the others", readElsewhere},
		{"increments on every node all count", countersRaceAcross},
		{"of many nodes that take the same key, one wins", oneWinnerAcross},
		{"of two nodes that delete in a range that both read, one sees the other", deletesAcross},
		{"of two nodes that insert in a range that both read, one sees the other", insertsAcross},
		{"an update in a range that was read is seen", updatesAcross},
		{"what comes between a scan and its commit is seen", behindAScan},
		{"a key that was read before a scan is the same in it", twiceTheSame},
		{"what was not there a moment ago is found", absentNoMore},
		{"what was there a moment ago is not", presentNoMore},
		{"an answer, an error and a panic come from what is so", nothingStale},
		{"two keys that change together are never seen apart", neverTorn},
		{"a watch wakes for a commit of another node", watchAcross},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t, 3)) })
	}
}

var errWanted = errors.New("kvtest: an error on purpose")

// The helpers take a rapid.TB, which a *testing.T is too.

// update runs fn and fails the test on an error.
func update(t rapid.TB, e kv.Engine, fn func(kv.Tx)) {
	t.Helper()
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		fn(tx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// put stores pairs given as key, value, key, value.
func put(t rapid.TB, e kv.Engine, pairs ...string) {
	t.Helper()
	update(t, e, func(tx kv.Tx) {
		for p := range slices.Chunk(pairs, 2) {
			tx.Put([]byte(p[0]), []byte(p[1]))
		}
	})
}

// get returns "-" for a key that is not there.
func get(t rapid.TB, r kv.Reader, key string) string {
	t.Helper()
	v, err := r.Get([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if v == nil {
		return "-"
	}
	return string(v)
}

func scan(t rapid.TB, r kv.Reader, prefix, start string) []string {
	t.Helper()
	var from []byte
	if start != "" {
		from = []byte(start)
	}
	got := []string{}
	err := r.Scan([]byte(prefix), from, func(k, v []byte) bool {
		got = append(got, string(k)+"="+string(v))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// holds checks the whole store, given as "key=value".
func holds(t rapid.TB, e kv.Engine, want ...string) {
	t.Helper()
	err := e.View(context.Background(), func(r kv.Reader) error {
		same(t, scan(t, r, "", ""), want)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func same(t rapid.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// together runs n functions on n goroutines that start at once, and returns
// their errors.
func together(n int, fn func(i int) error) []error {
	barrier, errs := make(chan struct{}), make(chan error, n)
	for i := range n {
		go func() {
			<-barrier
			errs <- fn(i)
		}()
	}
	close(barrier)
	var all []error
	for range n {
		all = append(all, <-errs)
	}
	return all
}

func number(v []byte) (n int) {
	_, _ = fmt.Sscan(string(v), &n) // nothing counts as 0
	return n
}
