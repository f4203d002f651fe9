package bolt

import (
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"
)

func TestLongGroupsDoNotMakeTheJournalGrowWithoutEnd(t *testing.T) {
	const room, groups, atOnce, length = 100, 16, 1500, 2000
	e := journaled(many(t, 0), room)
	r := rand.New(rand.NewPCG(1, 1))
	half := 0
	for i := range groups {
		put(t, e, atOnce, length, func(int) []byte { return manyKey(r.IntN(10 * atOnce)) })
		if i == groups/2-1 {
			half = runs(t, e)
		}
	}
	if n := runs(t, e); n > half+half/4 {
		t.Fatalf("%d runs after %d groups, and %d after %d", half, groups/2, n, groups)
	}
}

func TestTheFirstCommitAfterAKillPlacesFewPairs(t *testing.T) {
	const pairs, room = 10_000, 2000
	e := journaled(many(t, pairs), room)
	r := rand.New(rand.NewPCG(1, 1))
	for range 400 {
		put(t, e, 20, 300, func(int) []byte { return manyKey(r.IntN(pairs)) })
	}
	again := revived(t, e, room)
	before := again.versions.Load().stands.keys.Len()
	put(t, again, 1, 300, manyKey)
	if placed := before - again.versions.Load().stands.keys.Len(); placed > 2*placedAtOnce {
		t.Fatalf("a commit of one pair placed %d more, of %d that waited", placed, before)
	}
}

// A store that is only ever killed must not keep all that it was ever told.
func TestManyShortLivesDoNotMakeTheJournalGrowWithoutEnd(t *testing.T) {
	const pairs, room, lives, writes = 2000, 100, 40, 30
	e := journaled(many(t, pairs), room)
	r := rand.New(rand.NewPCG(1, 1))
	for range lives {
		for range writes {
			put(t, e, 1, 300, func(int) []byte { return manyKey(r.IntN(pairs)) })
		}
		e = revived(t, e, room)
	}
	if w := e.versions.Load().stands; w.needed() > mostEntries*room {
		t.Fatalf("after %d lives of %d writes the journal has %d entries and %d keys wait, where %d may",
			lives, writes, w.needed(), w.keys.Len(), room)
	}
}

// A write to the last page, the meta page, may report an error and stand.
func TestAViewBeginsAfterAFailedCommitThatStands(t *testing.T) {
	e := journaled(openNew(t), 10)
	put(t, e, 1, 10, manyKey)
	for _, stand := range []func(*bbolt.Tx) error{(*bbolt.Tx).Commit, (*bbolt.Tx).Rollback} {
		e.commit = func(tx *bbolt.Tx) error { return errors.Join(stand(tx), writeError(syscall.EIO)) }
		if err := e.Update(t.Context(), write("k")); err == nil {
			t.Fatal("no error")
		}
		view, err := e.begin(false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.read(view); err != nil {
			t.Errorf("a view would begin again and again: %v", err) // View itself would never end
		}
		e.rollback(view)
	}
	e.commit = (*bbolt.Tx).Commit
}
