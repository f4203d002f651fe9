package resource

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"signet/internal/recent"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// What is refused leaves the memory of verified tokens, whatever it is refused
// for; an outage is no refusal.
func TestATokenThatIsRefusedIsForgotten(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(t *testing.T, i *issuertest.Issuer)
		want   error
		kept   bool
	}{
		{"when it was revoked", func(_ *testing.T, i *issuertest.Issuer) { i.Revoke("a", 7) }, ErrRevoked, false},
		{"when its key was revoked", func(t *testing.T, i *issuertest.Issuer) {
			i.Publish(issuertest.NewKey(t, token.ES256, "next"))
		}, ErrUnknownKey, false},
		{"when it has expired", func(*testing.T, *issuertest.Issuer) { time.Sleep(10 * time.Minute) }, ErrExpired, false},
		{"and not when nobody can tell", func(_ *testing.T, i *issuertest.Issuer) {
			i.Set(func(k *issuertest.Knobs) { k.Down = true })
			time.Sleep(2 * time.Minute)
		}, ErrUnavailable, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := issuertest.New(t, "https://id.example")
				place := issuertest.At(i.OpenList("a", 1000, false), 7)
				v, err := New(i.URL, issuertest.Audience, WithHTTPClient(i.Client()), WithLogger(slog.New(slog.DiscardHandler)),
					WithMaxStale(time.Minute), WithStatusMaxStale(time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				defer v.Close()
				raw := i.Token(place)
				remembered := func() bool {
					_, found := v.seen.Get(recent.NameOf(raw))
					return found
				}
				if _, err := v.Verify(t.Context(), raw); err != nil || !remembered() {
					t.Fatalf("got %v, remembered: %t", err, remembered())
				}
				c.happen(t, i)
				time.Sleep(time.Second)
				if _, err := v.Verify(t.Context(), raw); !errors.Is(err, c.want) || remembered() != c.kept {
					t.Errorf("got %v, remembered: %t", err, remembered())
				}
			})
		})
	}
}
