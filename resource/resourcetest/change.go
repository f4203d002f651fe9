package resourcetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// patience is how long Verifiers may take to see a change. They take
// milliseconds; whoever needs this long will never see it.
const patience = 10 * time.Second

// Rotate makes a new key and signs with it from now on. The older ones stay
// published, so tokens that they signed stay good. It returns when the
// Verifiers know the new key.
func (i *Issuer) Rotate() { i.RotateTo(i.signer().Alg) }

// RotateTo is Rotate to a key for another algorithm. The first key is for
// ES256.
func (i *Issuer) RotateTo(alg token.Alg) {
	i.t.Helper()
	i.replaceKeys(alg, true)
}

// RevokeKey withdraws every key and signs with a new one from now on. It
// returns when the Verifiers refuse all tokens that came before.
func (i *Issuer) RevokeKey() {
	i.t.Helper()
	i.replaceKeys(i.signer().Alg, false)
}

// replaceKeys publishes a new key that signs, with the older ones or alone.
func (i *Issuer) replaceKeys(alg token.Alg, older bool) {
	i.t.Helper()
	i.mu.Lock()
	i.made++
	key := issuertest.NewKey(i.t, alg, fmt.Sprintf("k%d", i.made))
	if !older {
		i.keys = nil
	}
	i.keys = append(i.keys, key)
	entries := make([]any, 0, len(i.keys))
	for _, k := range i.keys {
		entries = append(entries, k)
	}
	i.mu.Unlock()
	i.inner.Publish(entries...)
	i.publishList()
	i.settle("saw the keys change", i.knows)
}

// Down takes the issuer off the network: connections break, also those that
// wait. It returns when the Verifiers have noticed; they go on with what they
// know.
func (i *Issuer) Down() {
	i.t.Helper()
	i.set(true)
	i.wait(i.t, "noticed that the issuer is down", i.all(), func(v *resource.Verifier) bool {
		i.nudge(v)
		return v.Health().State != resource.Following
	})
}

// Up brings the issuer back. It returns when the Verifiers know all that
// changed while it was away. After a long outage that may take seconds, since
// they try their status lists at a pace of their own; in a bubble it takes none.
func (i *Issuer) Up() {
	i.t.Helper()
	i.set(false)
	i.settle("noticed that the issuer is back", func(v *resource.Verifier) bool {
		i.nudge(v)
		return v.Health().State == resource.Following && i.knows(v)
	})
}

func (i *Issuer) set(down bool) {
	i.mu.Lock()
	i.down = down
	i.mu.Unlock()
	i.inner.Set(func(k *issuertest.Knobs) { k.Down = down })
}

// settle waits until it holds of every Verifier, unless the issuer is down and
// they cannot know.
func (i *Issuer) settle(what string, holds func(*resource.Verifier) bool) {
	i.t.Helper()
	if !i.isDown() {
		i.wait(i.t, what, i.all(), holds)
	}
}

// wait waits until it holds of those verifiers whose tests have not ended.
func (i *Issuer) wait(t testing.TB, what string, verifiers []*resource.Verifier, holds func(*resource.Verifier) bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for _, v := range verifiers {
		for pause := time.Millisecond; slices.Contains(i.all(), v) && !holds(v); pause = min(2*pause, 100*time.Millisecond) {
			select {
			case <-time.After(pause):
			case <-late.C:
				h := v.Health()
				t.Fatalf("resourcetest: a Verifier of %s never %s in %s: it is %s %s. Was it closed before its test ended, or given a source of keys?",
					i.URL, what, patience, h.State, h.Problem)
				return
			}
		}
	}
}

// all are the Verifiers that follow the issuer.
func (i *Issuer) all() []*resource.Verifier {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.verifiers)
}

func (i *Issuer) isDown() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.down
}

// knows says whether v has seen all that changed: the newest key, with which
// those that were revoked are gone, and the place that was revoked last.
func (i *Issuer) knows(v *resource.Verifier) bool {
	i.mu.Lock()
	revoked := i.list.revoked
	i.mu.Unlock()
	key := i.signer()
	return judged(i.probe(v, key, probePlace)) && refused(i.probe(v, key, revoked))
}

// judged says whether a token with this error was found good or bad, other than
// for a key that v may just not have seen yet.
func judged(err error) bool {
	return !errors.Is(err, resource.ErrUnknownKey) && !errors.Is(err, resource.ErrUnavailable)
}

// refused says whether a token with this error is not even good with another
// binding, which is looked at last.
func refused(err error) bool {
	return err != nil && !errors.Is(err, resource.ErrBound) && !errors.Is(err, resource.ErrUnbound) && judged(err)
}

// nudge makes v ask the issuer for its keys at once.
func (i *Issuer) nudge(v *resource.Verifier) {
	key := i.signer()
	key.ID = "unknown"
	_ = i.probe(v, key, probePlace)
}

// probe is what v says of a token that key signed.
func (i *Issuer) probe(v *resource.Verifier, key issuertest.Key, place uint32) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := v.Verify(ctx, i.sign(signedBy(key), i.at(place)))
	return err
}
