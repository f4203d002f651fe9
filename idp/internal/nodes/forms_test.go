package nodes

import (
	"testing"
	"testing/synctest"
	"time"

	"signet/data"
	"signet/data/kv/mem"
)

// while is how long a node of startOn's counts that is not seen any more.
const while = silent * 10 * time.Second

func TestAFormIsReadByAllOnlyOnceEveryNodeSaysSo(t *testing.T) {
	const form = 3
	say := func(reads int) func(*testing.T, *data.Store) {
		return func(t *testing.T, store *data.Store) {
			if _, err := store.PutNode(t.Context(), data.Node{ID: "other", Rank: 9, Reads: reads}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	leave := func(t *testing.T, store *data.Store) {
		if err := store.DropNode(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
	}
	pass := func(d time.Duration) func(*testing.T, *data.Store) {
		return func(*testing.T, *data.Store) { time.Sleep(d) }
	}
	for _, c := range []struct {
		name  string
		steps []func(*testing.T, *data.Store)
		want  bool
	}{
		{"a node that has just come does not know who is there", []func(*testing.T, *data.Store){pass(while / 2)}, false},
		{"it was alone for a while", []func(*testing.T, *data.Store){pass(2 * while)}, true},
		{"another one reads it too", []func(*testing.T, *data.Store){pass(2 * while), say(form), pass(time.Second)}, true},
		{"another one reads more", []func(*testing.T, *data.Store){pass(2 * while), say(form + 1), pass(time.Second)}, true},
		{"another one reads less", []func(*testing.T, *data.Store){pass(2 * while), say(form - 1), pass(time.Second)}, false},
		{"another one is of a release that had no forms", []func(*testing.T, *data.Store){pass(2 * while), say(0), pass(time.Second)}, false},
		{"that one left, and may be starting again", []func(*testing.T, *data.Store){say(0), pass(2 * while), say(0), pass(time.Second), leave, pass(while / 2)}, false},
		{"it left a while ago", []func(*testing.T, *data.Store){say(0), pass(time.Second), leave, pass(2 * while)}, true},
		{"it came back as one that reads it", []func(*testing.T, *data.Store){say(0), pass(time.Second), leave, say(form), pass(2 * while)}, true},
		{"it was killed, and nobody has heard of it for a while", []func(*testing.T, *data.Store){say(0), pass(3 * while)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, err := data.Open(t.Context(), mem.New(), data.Options{})
				if err != nil {
					t.Fatal(err)
				}
				s := startReading(t, store, form)
				for _, step := range c.steps {
					step(t, store)
				}
				if got := s.EveryNodeReads(form); got != c.want {
					t.Errorf("it says %t", got)
				}
				if !s.EveryNodeReads(0) || s.EveryNodeReads(form+1) {
					t.Error("what everybody reads, or nobody, is said wrongly")
				}
			})
		})
	}
}

func TestWhereNoOtherNodeCanBeEveryFormIsRead(t *testing.T) {
	var none *Service
	if !none.EveryNodeReads(1) {
		t.Error("it is not")
	}
}
