package data

import (
	"testing"
	"time"

	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
)

// What is read about an access token lies at four places: it is brought at once.
func TestHowOftenTheStoreIsAskedAboutAnAccessToken(t *testing.T) {
	far := &kvtest.Far{Engine: mem.New()}
	s := open(t, far, newClock())
	u, other := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
	g := newGrant(t, s, u, time.Hour)
	list := drawSlot(t, s).List
	for name, c := range map[string]struct {
		grant      GrantID
		likely     UserID
		first, yet int
	}{
		"a token of its user":                       {g.ID, u.ID, 1, 1},
		"a token that tells nothing of its user":    {g.ID, "", 2, 1},
		"a token whose user is guessed wrong":       {g.ID, other.ID, 2, 1},
		"a client's own token":                      {GrantID{}, "", 1, 1},
		"a client's own token, with the guess left": {GrantID{}, u.ID, 1, 1},
	} {
		l := s.Lookup(list, 1, c.grant, c.likely)
		for _, want := range []int{c.first, c.yet, c.yet} {
			h, revoked, err := l.Ask(t.Context())
			if err != nil || revoked || (h != nil) != (c.grant != GrantID{}) {
				t.Fatalf("%s: got %v, revoked %v, error %v", name, h, revoked, err)
			}
			if h != nil && h.User.ID != u.ID {
				t.Fatalf("%s: it is of %s", name, h.User.ID)
			}
			if far.Trips != want {
				t.Errorf("%s: %d round trips, want %d", name, far.Trips, want)
			}
		}
	}
}
