package grant

import (
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
)

// accessLife is what the store takes for the life of an access token where it
// is told nothing.
const accessLife = 10 * time.Minute

// slot is what the access token carries that is given out for the token.
func (w *world) slot(text string, want Outcome) data.Slot {
	w.t.Helper()
	i, err := w.Turn(w.t.Context(), text, nil)
	if err != nil || i.Outcome != want {
		w.t.Fatalf("%v, %v instead of %v", i.Outcome, err, want)
	}
	return i.Slot()
}

func (w *world) revoked(slot data.Slot) bool {
	w.t.Helper()
	bits, _, err := w.store.StatusBits(w.t.Context(), slot.List)
	must(w.t, err)
	return bits[slot.Index/8]>>(slot.Index%8)&1 == 1
}

// A long grace lets an answer be repeated when what the first one gave is
// nearly dead, and the access token lives anew each time.
func TestTheAccessTokenOfARepeatedAnswerIsRevokedWithItsGrant(t *testing.T) {
	patient := testPolicy
	patient.Grace = time.Hour
	for _, after := range []time.Duration{0, time.Minute, 6 * time.Minute, 15 * time.Minute, 21 * time.Minute, 59 * time.Minute} {
		t.Run(after.String(), func(t *testing.T) {
			w := newWorld(t, mem.New(), patient)
			parent := w.start()
			w.turnTo(parent, Turned)
			w.clock.Move(after)
			slot := w.slot(parent, Repeated)
			w.clock.Move(accessLife - time.Second)
			must(t, w.store.EndUserGrants(t.Context(), w.user.ID, nil))
			if !w.revoked(slot) {
				t.Fatalf("the access token lives for another second, and its slot ended %s ago", w.clock.Now().Sub(slot.Until))
			}
		})
	}
}

func TestARepeatedAnswerHasNotTheSlotOfOneOfAnHourAgo(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	first := w.start()
	w.clock.Move(59 * time.Minute)
	second := w.turnTo(first, Turned)
	w.clock.Move(12 * time.Minute) // another list is open, and the slot before lives still
	slot := w.slot(second, Turned)
	g, _, err := w.store.Grant(t.Context(), w.grant(second), "")
	must(t, err)
	if len(g.Status) != 2 {
		t.Fatalf("%d slots", len(g.Status))
	}
	must(t, w.store.RevokeSlot(t.Context(), slot.List, slot.Index, g.ID)) // RFC 7009
	again := w.slot(second, Repeated)
	w.clock.Move(accessLife - time.Second)
	must(t, w.store.EndUserGrants(t.Context(), w.user.ID, nil))
	if !w.revoked(again) {
		t.Fatalf("the access token lives for another second, and its slot ended %s ago", w.clock.Now().Sub(again.Until))
	}
}

func (w *world) grant(text string) data.GrantID {
	w.t.Helper()
	parsed, err := parse(text)
	must(w.t, err)
	return parsed.grant
}
