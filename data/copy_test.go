package data

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// many pairs beside a store are several batches for the engine for tests, which
// takes as few at once as etcd does.
const many = 700

// fullStore is a store with people and many pairs, and what is in it.
func fullStore(t *testing.T, engine kv.Engine) map[string]string {
	t.Helper()
	furnish(t, open(t, engine, newClock()))
	for i := range many {
		putRaw(t, engine, fmt.Sprintf("z/copy-%04d", i), strings.Repeat("x", i+1))
	}
	return dump(t, engine)
}

func copyStore(ctx context.Context, from, to kv.Engine) (CopyInfo, error) {
	return Copy(ctx, from, to, CopyOptions{From: "bolt:old", To: "bolt:new"})
}

// opens fails unless those sides can be opened that should.
func opens(t *testing.T, from, to kv.Engine, source, target bool) {
	t.Helper()
	for _, side := range []struct {
		name   string
		engine kv.Engine
		want   bool
	}{{"source", from, source}, {"target", to, target}} {
		_, err := Open(t.Context(), side.engine, Options{Logger: quiet})
		if (err == nil) != side.want || err != nil && !errors.Is(err, ErrMoved) {
			t.Fatalf("opening the %s: %v", side.name, err)
		}
	}
}

func TestACopyIsTheSameByteForByteAndTheSourceIsClosed(t *testing.T) {
	engines(t, func(t *testing.T, to kv.Engine) {
		from := mem.New()
		want := fullStore(t, from)
		info, err := copyStore(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		if got := dump(t, to); !maps.Equal(got, want) {
			t.Errorf("%d pairs became %d", len(want), len(got))
		}
		if d := info.Digest; d.Pairs != len(want) || d.Users != 2 || d.Grants != 1 || info.Resumed || len(d.SHA256) != 64 {
			t.Errorf("%+v", info)
		}
		opens(t, from, to, false, true)
		if _, err := copyStore(t.Context(), from, mem.New()); !errors.Is(err, ErrMoved) {
			t.Errorf("it is copied once more: %v", err)
		}
		if _, err := AbandonMove(t.Context(), from); !errors.Is(err, ErrMoved) {
			t.Errorf("a copy that is finished is given up: %v", err)
		}
	})
}

// failing fails every Update from the nth on, as a process that is killed
// makes no further one.
type failing struct {
	kv.Engine
	left int
}

var errCutOff = errors.New("killed")

func (f *failing) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if f.left--; f.left < 0 {
		return errCutOff
	}
	return f.Engine.Update(ctx, fn)
}

func TestACopyThatIsCutOffAtAnyWriteGoesOn(t *testing.T) {
	for _, side := range []string{"source", "target"} {
		writes := 0
		for ; ; writes++ {
			from, to := mem.New(), mem.New()
			want := fullStore(t, from)
			var first, second kv.Engine = from, &failing{Engine: to, left: writes}
			if side == "source" {
				first, second = &failing{Engine: from, left: writes}, to
			}
			_, err := copyStore(t.Context(), first, second)
			if err == nil {
				break
			}
			if !errors.Is(err, errCutOff) {
				t.Fatal(err)
			}
			closed, arriving := dump(t, from)[moveKey] != "", dump(t, to)[moveKey] != ""
			if closed && !arriving {
				t.Fatalf("%s, cut off after %d writes: the source is closed, and anybody may open the target", side, writes)
			}
			if arriving {
				opens(t, from, to, !closed, false)
			}
			info, err := copyStore(t.Context(), from, to)
			if err != nil {
				t.Fatalf("%s, cut off after %d writes: %v", side, writes, err)
			}
			if got := dump(t, to); !maps.Equal(got, want) || info.Digest.Pairs != len(want) {
				t.Fatalf("%s, cut off after %d writes: %d pairs became %d", side, writes, len(want), len(got))
			}
			opens(t, from, to, false, true)
		}
		if least := map[string]int{"source": 3, "target": 6}[side]; writes < least {
			t.Errorf("%s: %d writes are all that it takes", side, writes)
		}
	}
}

// What an earlier copy brought is not brought again.
func TestACopyGoesOnWhereItWas(t *testing.T) {
	from, to := mem.New(), mem.New()
	fullStore(t, from)
	if _, err := copyStore(t.Context(), from, &failing{Engine: to, left: 4}); !errors.Is(err, errCutOff) {
		t.Fatal(err)
	}
	read := 0
	info, err := Copy(t.Context(), from, to, CopyOptions{To: "bolt:new", Read: func(step CopyStep, _ int) {
		if step == CopyPairs {
			read++
		}
	}})
	if err != nil || !info.Resumed || read > info.Digest.Pairs-200 {
		t.Errorf("it read %d of %d pairs, resumed %t, %v", read, info.Digest.Pairs, info.Resumed, err)
	}
}

func TestACopyThatIsGivenUpOpensTheSourceAgain(t *testing.T) {
	from, to := mem.New(), mem.New()
	want := fullStore(t, from)
	if _, err := AbandonMove(t.Context(), from); !errors.Is(err, ErrNoMove) {
		t.Fatal(err)
	}
	if _, err := copyStore(t.Context(), from, &failing{Engine: to, left: 4}); !errors.Is(err, errCutOff) {
		t.Fatal(err)
	}
	if m, err := AbandonMove(t.Context(), from); err != nil || m.Peer != "bolt:new" {
		t.Fatal(m, err)
	}
	opens(t, from, to, true, false)
	if got := dump(t, from); !maps.Equal(got, want) {
		t.Error("the source is another")
	}
	// The source goes on, and what is in the target is old by the next copy.
	putRaw(t, from, "z/copy-0000", "newer")
	err := from.Update(t.Context(), func(tx kv.Tx) error { tx.Delete([]byte("z/copy-0001")); return nil })
	if err != nil {
		t.Fatal(err)
	}
	want = dump(t, from)
	if _, err := copyStore(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, to); !maps.Equal(got, want) {
		t.Error("the target has what was given up")
	}
}

// Whoever gives a copy up while it runs has the source, and the copy fails.
func TestACopyThatIsGivenUpWhileItRunsNeverFinishes(t *testing.T) {
	from, to := mem.New(), mem.New()
	fullStore(t, from)
	_, err := Copy(t.Context(), from, to, CopyOptions{To: "bolt:new", Read: func(step CopyStep, _ int) {
		if step == CheckTarget {
			if _, err := AbandonMove(t.Context(), from); err != nil && !errors.Is(err, ErrNoMove) {
				t.Error(err)
			}
		}
	}})
	if err == nil {
		t.Fatal("it finished")
	}
	opens(t, from, to, true, false)
}

func TestATargetWithAnythingElseIsRefusedAndTheSourceStaysOpen(t *testing.T) {
	other := mem.New()
	fullStore(t, other)
	half := mem.New()
	if _, err := copyStore(t.Context(), other, &failing{Engine: half, left: 4}); !errors.Is(err, errCutOff) {
		t.Fatal(err)
	}
	another := mem.New()
	open(t, another, newClock())
	stranger := mem.New()
	putRaw(t, stranger, "x", "y")
	for name, to := range map[string]kv.Engine{"another store": another, "something else": stranger,
		"an unfinished copy of another store": half, "a store that left": other} {
		t.Run(name, func(t *testing.T) {
			from := mem.New()
			want, before := fullStore(t, from), dump(t, to)
			if _, err := copyStore(t.Context(), from, to); !errors.Is(err, ErrNotEmpty) {
				t.Fatal(err)
			}
			if !maps.Equal(dump(t, from), want) || !maps.Equal(dump(t, to), before) {
				t.Error("something was changed")
			}
		})
	}
	if _, err := copyStore(t.Context(), mem.New(), mem.New()); !errors.Is(err, ErrNoStore) {
		t.Error("nothing is copied:", err)
	}
}

// An issuer that has not heard writes to the source after its pairs were read.
func TestAWriteDuringTheCopyIsFoundAndTheNextCopyBeginsAnew(t *testing.T) {
	from, to := mem.New(), mem.New()
	fullStore(t, from)
	late := true
	_, err := Copy(t.Context(), from, to, CopyOptions{To: "bolt:new", Read: func(step CopyStep, _ int) {
		if step == CopyPairs && late {
			late = false
			putRaw(t, from, "z/copy-0000", "late")
			putRaw(t, from, "z/copy-9999", "late")
		}
	}})
	if !errors.Is(err, ErrDiffer) {
		t.Fatal(err)
	}
	opens(t, from, to, false, false)
	if _, err := copyStore(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	want := dump(t, from)
	delete(want, moveKey)
	if got := dump(t, to); !maps.Equal(got, want) {
		t.Error("what was late is not there")
	}
	opens(t, from, to, false, true)
}

// Who serves from the store stops before the first pair is read.
func TestAnIssuerOnTheSourceHearsOfTheCopyBeforeItBegins(t *testing.T) {
	from, to := mem.New(), mem.New()
	s := open(t, from, newClock())
	fullStore(t, from)
	heard := make(chan error, 1)
	go func() { heard <- s.Moves(t.Context()) }()
	settled := false
	_, err := Copy(t.Context(), from, to, CopyOptions{To: "bolt:new",
		Settle: func(_ context.Context, signed time.Time) error {
			var moved *MoveError
			if err := <-heard; !errors.As(err, &moved) || !signed.Equal(moved.Move.At) {
				t.Error(err)
			}
			settled = true
			return nil
		},
		Read: func(CopyStep, int) {
			if !settled {
				t.Fatal("it read before")
			}
		},
	})
	if err != nil || !settled {
		t.Fatal(err)
	}
}

func TestABackupHasNothingOfAMove(t *testing.T) {
	from := mem.New()
	s := open(t, from, newClock())
	fullStore(t, from)
	if _, err := copyStore(t.Context(), from, &failing{Engine: mem.New(), left: 2}); !errors.Is(err, errCutOff) {
		t.Fatal(err)
	}
	_, info := backup(t, s) // by an issuer that has not stopped yet
	if want := len(dump(t, from)) - 1; info.Pairs != want {
		t.Errorf("%d pairs of %d", info.Pairs, want)
	}
}
