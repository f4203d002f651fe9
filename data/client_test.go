package data

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"signet/data/kv"
	"signet/data/kv/mem"
)

func TestAClientIsFoundAsItWasStored(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		c1 := Client{ID: "web", SecretHash: HashOf("secret"), Metadata: Metadata{
			RedirectURIs: []string{"https://web.example/callback"}, Name: "Web", Names: map[string]string{"de": "Netz"},
			JWKS: jsontext.Value(`{"keys":[]}`),
		}}
		if err := s.CreateClient(t.Context(), c1, 0); err != nil {
			t.Fatal(err)
		}
		got, err := s.Client(t.Context(), "web")
		if err != nil || got.Name != "Web" || got.Names["de"] != "Netz" || string(got.JWKS) != `{"keys":[]}` ||
			got.SecretHash != c1.SecretHash || !got.CreatedAt.Equal(c.Now()) || !got.UpdatedAt.Equal(c.Now()) {
			t.Fatal(got, err)
		}
		for _, other := range []string{"", "WEB", "web ", "app"} {
			if _, err := s.Client(t.Context(), other); !errors.Is(err, ErrNoClient) {
				t.Errorf("%q: %v", other, err)
			}
		}
		if err := s.CreateClient(t.Context(), Client{ID: "web"}, 0); !errors.Is(err, ErrClientTaken) {
			t.Fatal(err)
		}
	})
}

func TestAChangeOfAClient(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		if err := s.CreateClient(t.Context(), Client{ID: "web", Metadata: Metadata{Name: "Web"}}, 0); err != nil {
			t.Fatal(err)
		}
		first, _ := s.Client(t.Context(), "web")
		c.Move(time.Hour)
		stop := errors.New("stop")
		before := dump(t, engine)
		if _, err := s.ChangeClient(t.Context(), "web", func(c *Client) error { c.Name = "x"; return stop }); err != stop {
			t.Fatal(err)
		}
		if _, err := s.ChangeClient(t.Context(), "app", func(*Client) error { return nil }); !errors.Is(err, ErrNoClient) {
			t.Fatal(err)
		}
		if !maps.Equal(before, dump(t, engine)) {
			t.Fatal("a change that failed changed something")
		}
		got, err := s.ChangeClient(t.Context(), "web", func(c *Client) error {
			c.ID, c.CreatedAt, c.Registered, c.Name = "app", time.Time{}, true, "Web 2"
			return nil
		})
		if err != nil || got.ID != "web" || got.Name != "Web 2" || got.Registered ||
			!got.CreatedAt.Equal(first.CreatedAt) || !got.UpdatedAt.Equal(c.Now()) {
			t.Fatal(got, err)
		}
		for _, want := range []error{nil, ErrNoClient} {
			if err := s.DeleteClient(t.Context(), "web"); !errors.Is(err, want) {
				t.Fatal(err)
			}
		}
		c.Move(removedFor + time.Second) // for so long it is known that it was there
		if _, err := s.Sweep(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		if pairs := dump(t, engine); len(pairs) != 1 {
			t.Fatalf("%q", pairs)
		}
	})
}

func TestClientsComePageByPage(t *testing.T) {
	s := open(t, mem.New(), newClock())
	want := map[string]bool{}
	for i := range 25 {
		id := fmt.Sprint("client", i)
		want[id] = true
		if err := s.CreateClient(t.Context(), Client{ID: id}, 0); err != nil {
			t.Fatal(err)
		}
	}
	after := ""
	for range 3 {
		page, err := s.Clients(t.Context(), after, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			if !want[c.ID] {
				t.Errorf("%s came twice", c.ID)
			}
			delete(want, c.ID)
			after = c.ID
		}
	}
	if len(want) > 0 {
		t.Errorf("%v are missing", want)
	}
}

func TestAStrangersClientNeedsAnEndUntilItIsUsed(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	if err := s.CreateClient(t.Context(), Client{ID: "c", Registered: true}, 10); err == nil {
		t.Fatal("it would stay forever")
	}
	if err := s.CreateClient(t.Context(), Client{ID: "c", Registered: true, ExpiresAt: s.now().Add(time.Hour)}, 10); err != nil {
		t.Fatal(err)
	}
	before := dump(t, engine)
	if _, err := s.ChangeClient(t.Context(), "c", func(c *Client) error { c.ExpiresAt = time.Time{}; return nil }); err == nil {
		t.Fatal("it would stay forever")
	}
	if !maps.Equal(before, dump(t, engine)) {
		t.Fatal("something was written")
	}
}

func TestStrangersRegisterNoMoreThanTheCapAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		const most = 7
		won := race(100, func(i int) bool {
			err := s.CreateClient(context.Background(), Client{ID: fmt.Sprint(i), Registered: true, ExpiresAt: s.now().Add(time.Hour)}, most)
			if err != nil && !errors.Is(err, ErrTooManyClients) {
				t.Error(err)
			}
			return err == nil
		})
		if won != most {
			t.Errorf("%d registered", won)
		}
		if err := s.CreateClient(t.Context(), Client{ID: "ours"}, most); err != nil {
			t.Errorf("the owner of the issuer was held up: %v", err)
		}
	})
}

func TestOfAHundredRegistrationsOfAnIDOneWins(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		won := race(100, func(i int) bool {
			err := s.CreateClient(context.Background(), Client{ID: "web", SecretHash: HashOf(fmt.Sprint(i))}, 0)
			if err != nil && !errors.Is(err, ErrClientTaken) {
				t.Error(err)
			}
			return err == nil
		})
		if won != 1 {
			t.Errorf("%d won", won)
		}
	})
}

// registered is what the model knows of a client.
type registered struct {
	stranger, used bool
	end            time.Time // zero: none
}

// Clients come, are used, are changed and go in any order, and the clock and
// the sweeper move. The model says what is there at any moment; beyond that, at
// the end of all time nothing is left in the store of what ended.
func TestClientsFollowTheirModel(t *testing.T) {
	const most = 3
	rapid.Check(t, func(r *rapid.T) {
		engine, c := mem.New(), newClock()
		s := open(t, engine, c)
		model := map[string]registered{}
		there := func(id string) bool {
			m, ok := model[id]
			return ok && (m.end.IsZero() || c.Now().Before(m.end))
		}
		unswept := func() (n int) { // the marks of strangers whom the sweeper has not met
			for _, m := range model {
				if m.stranger && !m.used {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(r, "client")
			switch rapid.IntRange(0, 5).Draw(r, "what") {
			case 0:
				stranger := rapid.Bool().Draw(r, "stranger")
				made := Client{ID: id, Registered: stranger}
				if stranger {
					made.ExpiresAt = c.Now().Add(time.Duration(rapid.IntRange(1, 60).Draw(r, "minutes")) * time.Minute)
				}
				_, taken := model[id]
				var want error
				switch {
				case taken:
					want = ErrClientTaken
				case stranger && unswept() >= most:
					want = ErrTooManyClients
				}
				if err := s.CreateClient(t.Context(), made, most); !errors.Is(err, want) {
					r.Fatalf("create %s: %v instead of %v", id, err, want)
				}
				if want == nil {
					model[id] = registered{stranger: stranger, end: made.ExpiresAt}
				}
			case 1: // somebody signs in with it
				_, err := s.ChangeClient(t.Context(), id, func(c *Client) error { c.Used, c.ExpiresAt = true, time.Time{}; return nil })
				if (err == nil) != there(id) {
					r.Fatalf("use %s: %v", id, err)
				}
				if m := model[id]; err == nil {
					m.used, m.end = true, time.Time{}
					model[id] = m
				}
			case 2: // it manages itself, and lives a little longer
				end := c.Now().Add(time.Hour)
				_, err := s.ChangeClient(t.Context(), id, func(c *Client) error {
					if c.Registered && !c.Used {
						c.ExpiresAt = end
					}
					return nil
				})
				if (err == nil) != there(id) {
					r.Fatalf("change %s: %v", id, err)
				}
				if m := model[id]; err == nil && m.stranger && !m.used {
					m.end = end
					model[id] = m
				}
			case 3:
				if err := s.DeleteClient(t.Context(), id); (err == nil) != there(id) {
					r.Fatalf("delete %s: %v", id, err)
				} else if err == nil {
					delete(model, id)
				}
			case 4:
				// Never to the very moment at which one ends: the index counts whole
				// seconds, and an older entry may lead the sweeper there before it does.
				c.Move(time.Duration(rapid.IntRange(0, 90).Draw(r, "minutes"))*time.Minute + time.Second)
			case 5:
				if _, err := s.Sweep(t.Context(), 1000); err != nil {
					r.Fatal(err)
				}
				now := c.Now().Truncate(time.Second) // the index counts whole seconds
				maps.DeleteFunc(model, func(_ string, m registered) bool { return !m.end.IsZero() && !m.end.After(now) })
			}
			checkClients(t, r, s, model, there)
		}
		c.Move(1000 * time.Hour)
		for n := 1; n > 0; {
			var err error
			if n, err = s.Sweep(t.Context(), 1000); err != nil {
				r.Fatal(err)
			}
		}
		want := 1 // the record of the store
		for _, m := range model {
			if m.end.IsZero() {
				want++
			}
		}
		if left := keysBut(dump(t, engine), string(cellKey(strangersCell))); len(left) != want {
			r.Fatalf("%q are left, %d should be", left, want)
		}
	})
}

func checkClients(t *testing.T, r *rapid.T, s *Store, model map[string]registered, there func(string) bool) {
	list, err := s.Clients(t.Context(), "", 0)
	if err != nil {
		r.Fatal(err)
	}
	var got, want []string
	for _, c := range list {
		got = append(got, c.ID)
	}
	for id := range model {
		if there(id) {
			want = append(want, id)
		}
		if c, err := s.Client(t.Context(), id); (err == nil) != there(id) || err == nil && c.Used != model[id].used {
			r.Fatalf("%s: %v", id, err)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.Fatalf("%v are there instead of %v", got, want)
	}
}
