package keys

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"signet/resource/token"
)

// table drives the pure rules: keys are k1, k2 … in the order of making.
type table struct {
	t    *testing.T
	rec  record
	at   time.Time
	made int
}

func newTable(t *testing.T, algs ...Alg) *table {
	b := &table{t: t, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	b.rec, _ = adopt(record{}, b.config(algs...), b.now(), b.take)
	return b
}

// config: published 10 minutes ahead, lease 30 s, skew 30 s, so max-age 9 min.
func (b *table) config(algs ...Alg) Config {
	c := DefaultConfig()
	c.Algs, c.MaxLifetime = algs, map[Alg]time.Duration{algs[0]: 10 * time.Minute}
	return c
}

func (b *table) now() instant { return instantOf(b.at) }

func (b *table) take(Alg) fresh {
	b.made++
	return fresh{KID: fmt.Sprintf("k%d", b.made), Public: jsontext.Value("{}"), Sealed: "x"}
}

func (b *table) step(d time.Duration) {
	b.at = b.at.Add(d)
	b.rec, _ = step(b.rec, b.now(), b.take)
}

func (b *table) adopt(c Config) { b.rec, _ = adopt(b.rec, c, b.now(), b.take) }

// states is a line such as "k1 retiring, k2 active, k3 pending".
func (b *table) want(states string) {
	b.t.Helper()
	var got []string
	for _, k := range b.rec.Keys {
		got = append(got, k.KID+" "+string(k.State))
	}
	if s := strings.Join(got, ", "); s != states {
		b.t.Errorf("after %s: %s; want %s", b.at.Format("02 15:04:05"), s, states)
	}
	if err := b.rec.check(); err != nil {
		b.t.Error(err)
	}
}

func TestTheFirstStartHasAReadyKeyBehindTheActiveOne(t *testing.T) {
	b := newTable(t, token.ES256)
	b.want("k1 active, k2 pending")
	if _, _, done, err := rotate(b.rec, "", false, pendingKIDs(b.rec), b.now(), b.take); err != nil || done[0].New != "k2" {
		t.Errorf("a rotation at the first start: %+v, %v", done, err)
	}
}

func TestAKeyGoesThroughItsStatesOnSchedule(t *testing.T) {
	b := newTable(t, token.ES256)
	b.step(30*24*time.Hour - 1)
	b.want("k1 active, k2 pending")
	b.step(1)
	b.want("k1 retiring, k2 active, k3 pending")
	if k := b.rec.Keys[0]; k.Sealed != "" {
		t.Error("a demoted key keeps its private half")
	}
	const dead = 30*time.Second + 30*time.Second + 10*time.Minute + 60*time.Second
	b.step(dead - 1)
	b.want("k1 retiring, k2 active, k3 pending")
	b.step(1)
	b.want("k1 gone, k2 active, k3 pending")
	if k := b.rec.Keys[0]; k.Why == "" || !k.GoneAt.Equal(b.at) || k.Public == nil {
		t.Errorf("a gone key says neither when nor why: %+v", k)
	}
}

func TestARotationBeforeTheNextKeyIsReadyIsRefusedWithTheMoment(t *testing.T) {
	b := newTable(t, token.ES256)
	b.step(time.Hour)
	b.rec, _, _, _ = rotate(b.rec, "", false, pendingKIDs(b.rec), b.now(), b.take)
	b.step(10*time.Minute - 1)
	_, _, _, err := rotate(b.rec, token.ES256, false, pendingKIDs(b.rec), b.now(), b.take)
	var late *NotReadyError
	if !errors.As(err, &late) || late.KID != "k3" || !late.ReadyAt.Equal(b.at.Add(1)) {
		t.Fatalf("got %v", err)
	}
	_, _, done, err := rotate(b.rec, token.ES256, true, pendingKIDs(b.rec), b.now(), b.take)
	if err != nil || !done[0].UnknownUntil.Equal(late.ReadyAt) || done[0].Old != "k2" || done[0].Pending != "k4" {
		t.Errorf("forced: %+v, %v", done, err)
	}
	b.step(1)
	_, _, done, err = rotate(b.rec, token.ES256, false, pendingKIDs(b.rec), b.now(), b.take)
	if err != nil || !done[0].UnknownUntil.IsZero() {
		t.Errorf("ready: %+v, %v", done, err)
	}
	if _, _, _, err := rotate(b.rec, token.RS256, true, nil, b.now(), b.take); !errors.Is(err, ErrNoLine) {
		t.Errorf("a line that is not there: %v", err)
	}
}

func TestARotationIsNotDoneOnTopOfAnother(t *testing.T) {
	b := newTable(t, token.ES256)
	first := pendingKIDs(b.rec)
	b.rec, _, _, _ = rotate(b.rec, "", true, first, b.now(), b.take) // another node's
	if _, _, _, err := rotate(b.rec, "", true, first, b.now(), b.take); !errors.Is(err, ErrOvertaken) {
		t.Errorf("rotated twice: %v", err)
	}
}

func TestARotationOfAllIsOneOrNone(t *testing.T) {
	b := newTable(t, token.ES256, token.RS256)
	b.rec, _, _, _ = rotate(b.rec, token.ES256, false, pendingKIDs(b.rec), b.now(), b.take)
	b.want("k1 retiring, k2 active, k3 active, k4 pending, k5 pending")
	if _, _, _, err := rotate(b.rec, "", false, pendingKIDs(b.rec), b.now(), b.take); err == nil {
		t.Error("one line was not ready")
	}
	b.step(10 * time.Minute)
	b.rec, _, _, _ = rotate(b.rec, "", false, pendingKIDs(b.rec), b.now(), b.take)
	b.want("k1 retiring, k2 retiring, k3 retiring, k4 active, k5 active, k6 pending, k7 pending")
}

func TestALineThatIsAddedWaitsAndALineThatIsRemovedRetires(t *testing.T) {
	b := newTable(t, token.ES256)
	b.step(time.Hour)
	b.adopt(b.config(token.RS256))
	b.want("k1 active, k2 pending, k3 pending") // ES256 signs until RS256 can
	v := view{rec: &b.rec}
	if k, _ := v.signing(token.RS256); k.KID != "k1" {
		t.Errorf("%s signs for a line that is not ready", k.KID)
	}
	b.step(10*time.Minute - 1)
	b.want("k1 active, k2 pending, k3 pending")
	b.step(1)
	b.want("k1 retiring, k2 gone, k3 active, k4 pending")
}

func TestMaxAgeIsLoweredAtOnceAndRaisedWhenThePendingKeyIsReady(t *testing.T) {
	b := newTable(t, token.ES256)
	b.step(time.Hour)
	short := b.config(token.ES256)
	short.PublishAhead = 2 * time.Minute // max-age 1 min
	b.adopt(short)
	if b.rec.MaxAge != duration(time.Minute) || !b.rec.CopiesUntil.Equal(b.at.Add(9*time.Minute)) {
		t.Fatalf("lowered: max-age %v, copies until %s", b.rec.MaxAge, b.rec.CopiesUntil)
	}
	b.rec, _, _, _ = rotate(b.rec, "", false, pendingKIDs(b.rec), b.now(), b.take)
	if k := b.rec.find(token.ES256, Pending); !k.ReadyAt.Equal(b.at.Add(10 * time.Minute)) {
		t.Errorf("a key is ready %s after, though copies live 9 min", k.ReadyAt.Sub(b.at))
	}
	b.adopt(b.config(token.ES256))
	b.step(10*time.Minute - 1)
	if b.rec.MaxAge != duration(time.Minute) {
		t.Error("raised before the pending key is ready under it")
	}
	b.step(1)
	if b.rec.MaxAge != duration(9*time.Minute) {
		t.Error("never raised")
	}
}

func TestALongerLifetimeIsWrittenIntoTheKeysThatWillSignIt(t *testing.T) {
	b := newTable(t, token.ES256)
	long := b.config(token.ES256)
	long.MaxLifetime[token.ES256] = time.Hour
	b.adopt(long)
	b.adopt(b.config(token.ES256)) // and back: what was allowed stays
	for _, k := range b.rec.Keys {
		if k.Lifetime != duration(time.Hour) {
			t.Errorf("%s may sign for %v", k.KID, time.Duration(k.Lifetime))
		}
	}
}

func TestARevocationNeverWaits(t *testing.T) {
	for _, c := range []struct {
		name, kid, want, signs string
	}{
		{"of the active key", "k2", "k1 retiring, k2 gone, k3 active, k4 pending", "k3"},
		{"of the pending key", "k3", "k1 retiring, k2 active, k3 gone, k4 pending", ""},
		{"of a retiring key", "k1", "k1 gone, k2 active, k3 pending", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTable(t, token.ES256)
			b.rec, _, _, _ = rotate(b.rec, "", false, pendingKIDs(b.rec), b.now(), b.take)
			var out Revocation
			var err error
			b.rec, _, out, err = revoke(b.rec, c.kid, "leaked", b.now(), b.take)
			b.want(c.want)
			k := b.rec.byKID(c.kid)
			if err != nil || out.New != c.signs || k.Sealed != "" || k.Why != "revoked: leaked" {
				t.Errorf("%+v, %v", out, err)
			}
			if !out.AcceptedUntil.Equal(b.at.Add(9*time.Minute + 30*time.Second)) {
				t.Errorf("accepted until %s later", out.AcceptedUntil.Sub(b.at))
			}
			if (c.signs == "") != out.SignedUntil.IsZero() || (c.signs == "") != out.UnknownUntil.IsZero() {
				t.Errorf("%+v", out)
			}
			if _, _, _, err := revoke(b.rec, c.kid, "again", b.now(), b.take); !errors.Is(err, ErrGone) {
				t.Errorf("twice: %v", err)
			}
		})
	}
}

func TestARevocationNeedsAReasonAndAKey(t *testing.T) {
	b := newTable(t, token.ES256)
	if _, _, _, err := revoke(b.rec, "k1", " ", b.now(), b.take); !errors.Is(err, ErrReason) {
		t.Error(err)
	}
	if _, _, _, err := revokeAll(b.rec, "", b.now(), b.take); !errors.Is(err, ErrReason) {
		t.Error(err)
	}
	if _, _, _, err := revoke(b.rec, "../k1", "x", b.now(), b.take); !errors.Is(err, ErrUnknownKey) {
		t.Error(err)
	}
}

func TestTheLastSignerOfALeavingLineCanBeRevoked(t *testing.T) {
	b := newTable(t, token.ES256)
	b.adopt(b.config(token.RS256))
	b.rec, _, _, _ = revoke(b.rec, "k2", "x", b.now(), b.take)
	b.rec, _, _, _ = revoke(b.rec, "k1", "x", b.now(), b.take)
	b.want("k1 gone, k2 gone, k3 active, k4 pending")
}

func TestRevokingAllReplacesEveryKey(t *testing.T) {
	b := newTable(t, token.ES256, token.RS256)
	b.rec, _, _, _ = rotate(b.rec, token.ES256, false, pendingKIDs(b.rec), b.now(), b.take)
	var outs []Revocation
	b.rec, _, outs, _ = revokeAll(b.rec, "the host was taken", b.now(), b.take)
	b.want("k1 gone, k2 gone, k3 gone, k4 gone, k5 gone, k6 active, k7 pending, k8 active, k9 pending")
	if len(outs) != 5 || outs[1].New != "k6" || outs[1].UnknownUntil.IsZero() {
		t.Errorf("%+v", outs)
	}
}

func TestNoRestoredKeySigns(t *testing.T) {
	b := newTable(t, token.ES256)
	b.step(40 * 24 * time.Hour)
	b.want("k1 retiring, k2 active, k3 pending")
	b.rec, _ = restore(b.rec, b.config(token.ES256), b.now(), b.take)
	b.want("k1 retiring, k2 retiring, k3 retiring, k4 active, k5 pending")
	for _, k := range b.rec.Keys[:3] {
		if k.Sealed != "" || k.Until.Before(b.at.Add(10*time.Minute)) {
			t.Errorf("%+v", k)
		}
	}
}

func TestTheClockMayJumpBack(t *testing.T) {
	b := newTable(t, token.ES256)
	b.step(30 * 24 * time.Hour)
	before := b.rec.Rev
	b.step(-365 * 24 * time.Hour)
	b.want("k1 retiring, k2 active, k3 pending")
	if b.rec.Rev != before {
		t.Error("something changed")
	}
	v := view{rec: &b.rec, confirmed: b.at.Add(time.Hour)}
	if v.age(b.at) != 0 || v.maxAge(b.at) != 9*time.Minute {
		t.Error("an age was negative")
	}
}
