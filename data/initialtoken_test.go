package data

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"signet/data/kv"
)

func TestAnInitialTokenMakesAsManyClientsAsItSays(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		s, err := Open(t.Context(), engine, Options{Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		token := HashOf("token")
		if err := s.InitialTokens.Create(t.Context(), InitialToken{Hash: token, Uses: 2, ExpiresAt: now.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		create := func(id string) error {
			return s.CreateInvitedClient(t.Context(), Client{ID: id, Registered: true, Metadata: Metadata{Names: map[string]string{"de": "A"}}}, token)
		}
		if err := create("a"); err != nil {
			t.Fatal(err)
		}
		if err := create("a"); !errors.Is(err, ErrClientTaken) {
			t.Errorf("an id that is taken: %v", err) // and no use is spent
		}
		if err := create("b"); err != nil {
			t.Fatal(err)
		}
		if err := create("c"); !errors.Is(err, ErrNone) {
			t.Errorf("beyond its uses: %v", err)
		}
		if c, err := s.Client(t.Context(), "b"); err != nil || !c.Used || c.Names["de"] != "A" {
			t.Errorf("got %+v, %v", c, err)
		}
		for i := range 3 { // it counts to nobody's cap
			if err := s.CreateClient(t.Context(), Client{ID: fmt.Sprint(i), Registered: true, ExpiresAt: now.Add(time.Hour)}, 3); err != nil {
				t.Error(err)
			}
		}
		if err := s.CreateClient(t.Context(), Client{ID: "4", Registered: true, ExpiresAt: now.Add(time.Hour)}, 3); !errors.Is(err, ErrTooManyClients) {
			t.Errorf("beyond the cap: %v", err)
		}
	})
}
