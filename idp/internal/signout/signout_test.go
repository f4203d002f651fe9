package signout

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/mem"
	"signet/idp/internal/client"
	"signet/idp/internal/grant"
	"signet/idp/internal/session"
	"signet/keys"
)

const issuer = "https://id.example.com"

// clients are those of a test, by id; nil is one that cannot be found out.
type clients struct {
	mu sync.Mutex
	of map[string]*client.Client
}

var errDown = errors.New("test: the store is down")

// away is a client whose metadata document cannot be fetched.
var away = new(client.Client)

func (c *clients) Find(_ context.Context, id string) (*client.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.of[id]
	switch {
	case !ok:
		return nil, client.ErrUnknown
	case found == nil:
		return nil, errDown
	case found == away:
		return nil, client.ErrUnreachable
	}
	return found, nil
}

// Subject is pairwise for all clients here.
func (c *clients) Subject(of *client.Client, user data.UserID) string {
	return of.ID + "|" + string(user)
}

func (c *clients) add(id string, m data.Metadata) {
	c.put(id, &client.Client{Client: data.Client{ID: id, Metadata: m}})
}

func (c *clients) put(id string, found *client.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[id] = found
}

type world struct {
	*Service
	t        testing.TB
	store    *data.Store
	grants   *grant.Service
	sessions *session.Service
	clients  *clients
	ann      data.User
	log      *strings.Builder
	jar      map[string]string
}

var engines = map[string]func(t testing.TB) kv.Engine{
	"mem": func(testing.TB) kv.Engine { return mem.New() },
	"bolt": func(t testing.TB) kv.Engine {
		engine, err := bolt.Open(filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
		must(t, err)
		t.Cleanup(func() { _ = engine.Close() })
		return engine
	},
}

func newWorld(t testing.TB, engine kv.Engine) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{t: t, clients: &clients{of: map[string]*client.Client{}}, log: &strings.Builder{}, jar: map[string]string{}}
	logger := slog.New(slog.NewJSONHandler(w.log, nil))
	var err error
	w.store, err = data.Open(ctx, engine, data.Options{})
	must(t, err)
	o := keys.Options{Config: keys.DefaultConfig(), Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), w.store.Meta().StoreID), Logger: slog.New(slog.DiscardHandler)}
	o.Store = w.store.Cell("secret")
	secret, err := keys.OpenSecret(ctx, o)
	must(t, err)
	o.Store = w.store.Cell("macs")
	macs, err := keys.OpenMACs(ctx, o)
	must(t, err)
	w.grants, err = grant.New(grant.Options{Store: w.store, MACs: macs, Secret: secret, Refused: func(error) bool { return true },
		Policy: grant.Policy{TTL: time.Hour, Max: time.Hour}})
	must(t, err)
	u, err := url.Parse(issuer)
	must(t, err)
	w.sessions = session.New(session.Options{Store: w.store, Secret: secret, Issuer: u, Idle: time.Hour, Max: time.Hour, Now: time.Now, Logger: logger})
	w.Service = New(Options{Issuer: issuer, Store: w.store, Grants: w.grants, Clients: w.clients, Sessions: w.sessions, Now: time.Now, Logger: logger})
	w.ann, err = w.store.CreateUser(ctx, data.User{Email: "ann@example.com"}, data.InvitationHash{})
	must(t, err)
	return w
}

// signIn signs ann in with a new browser, and tells the clients of her.
func (w *world) signIn(clients ...string) (session.Account, data.Hash) {
	w.t.Helper()
	ctx := context.Background()
	account, s, err := w.sessions.SignIn(ctx, httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), w.ann, nil)
	must(w.t, err)
	for _, c := range clients {
		must(w.t, w.sessions.Touch(ctx, s.Hash, account.ID, c))
	}
	return account, s.Hash
}

// hold gives the client a grant that came from the account.
func (w *world) hold(account, client string, offline bool) string {
	w.t.Helper()
	i, err := w.grants.Start(context.Background(), grant.StartRequest{User: w.ann, Client: client,
		Authorization: data.Authorization{Account: account, Offline: offline}})
	must(w.t, err)
	return string(i.RefreshToken)
}

func (w *world) alive(refreshToken string) bool {
	_, err := w.grants.Turn(context.Background(), refreshToken, nil)
	return err == nil
}

// due lists what is to be sent, by client.
func (w *world) due() []data.Delivery {
	w.t.Helper()
	list, _, err := w.store.DueDeliveries(context.Background(), 100)
	must(w.t, err)
	slices.SortFunc(list, func(a, b data.Delivery) int { return strings.Compare(a.Client, b.Client) })
	return list
}

func (w *world) endings() int {
	w.t.Helper()
	list, err := w.store.Endings(context.Background(), 100)
	must(w.t, err)
	return len(list)
}

// A document that cannot be fetched just then is no client that is gone: it is
// told of the session, when it can be.
func TestAClientThatCannotBeReachedAtASignOutIsToldLater(t *testing.T) {
	w := newWorld(t, mem.New())
	const document = "https://app.example/client.json"
	w.clients.put(document, away)
	account, hash := w.signIn(document, "gone")
	left, err := w.sessions.End(t.Context(), hash, w.ann.ID)
	must(t, err)
	frames, err := w.SignOut(t.Context(), left)
	must(t, err)
	due := w.due()
	if len(due) != 1 || len(frames) != 0 || w.endings() != 0 {
		t.Fatalf("%+v, frames %q, %d endings", due, frames, w.endings())
	}
	if d := due[0]; d.Client != document || d.Subject != "" || d.SID != w.sessions.SID(account.Account, document) {
		t.Errorf("%+v", d)
	}
}

// Section 2.7: refresh tokens end with the session, but those of offline_access.
func TestBackChannelLogoutSection2_7WhatFollowsASignOut(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			w.clients.add("back", data.Metadata{BackLogoutURI: "https://back.example/out"})
			w.clients.add("front", data.Metadata{FrontLogoutURI: "https://front.example/out?x=1"})
			w.clients.add("both", data.Metadata{BackLogoutURI: "https://both.example/back", FrontLogoutURI: "https://both.example/front?x=1", FrontLogoutSID: true})
			w.clients.add("none", data.Metadata{})
			w.clients.add("other", data.Metadata{BackLogoutURI: "https://other.example/out"})
			account, hash := w.signIn("back", "front", "both", "none", "gone")
			elsewhere, _ := w.signIn("other")
			web, app := w.hold(account.ID, "back", false), w.hold(account.ID, "none", false)
			offline, stays, firstParty := w.hold(account.ID, "back", true), w.hold(elsewhere.ID, "back", false), w.hold("", "signet", false)

			left, err := w.sessions.End(t.Context(), hash, w.ann.ID)
			must(t, err)
			frames, err := w.SignOut(t.Context(), left)
			must(t, err)

			if w.alive(web) || w.alive(app) {
				t.Error("a grant of the session goes on")
			}
			if !w.alive(offline) || !w.alive(stays) || !w.alive(firstParty) {
				t.Error("another grant has ended")
			}
			sid := w.sessions.SID(account.Account, "both")
			want := []string{"https://front.example/out?x=1", "https://both.example/front?x=1&iss=https%3A%2F%2Fid.example.com&sid=" + sid}
			if !slices.Equal(frames, want) {
				t.Errorf("frames: %q", frames)
			}
			due := w.due()
			if len(due) != 2 || due[0].Client != "back" || due[1].Client != "both" || due[0].ID == due[1].ID {
				t.Fatalf("%+v", due)
			}
			for _, d := range due {
				if d.Subject != d.Client+"|"+string(w.ann.ID) || d.SID != w.sessions.SID(account.Account, d.Client) || d.ExpiresAt.Sub(d.CreatedAt) != keepTrying || d.Attempts != 0 {
					t.Errorf("%+v", d)
				}
			}
			if w.endings() != 0 || !strings.Contains(w.log.String(), `"event":"signed_out"`) {
				t.Error("it is not finished")
			}

			if _, err := w.SignOut(t.Context(), left); err != nil || len(w.due()) != 2 {
				t.Error("a second time the clients are told twice", err)
			}
		})
	}
}

// Front-Channel Logout, section 2: iss and sid are both there or neither, and
// the registered query stays.
func TestFrontChannelLogoutSection2(t *testing.T) {
	w := newWorld(t, mem.New())
	a := data.Account{ID: "account"}
	sid := w.sessions.SID(a, "web")
	for _, c := range []struct {
		uri, want string
		sid       bool
	}{
		{"https://rp.example/out", "https://rp.example/out", false},
		{"https://rp.example/out", "https://rp.example/out?iss=https%3A%2F%2Fid.example.com&sid=" + sid, true},
		{"https://rp.example/out?a=b&a=c", "https://rp.example/out?a=b&a=c&iss=https%3A%2F%2Fid.example.com&sid=" + sid, true},
		{"https://rp.example/out?odd=%zz;", "https://rp.example/out?odd=%zz;&iss=https%3A%2F%2Fid.example.com&sid=" + sid, true},
	} {
		w.clients.add("web", data.Metadata{FrontLogoutURI: c.uri, FrontLogoutSID: c.sid})
		if got := w.frame(w.clients.of["web"], a); got != c.want {
			t.Errorf("%s: %s", c.uri, got)
		}
	}
}

func TestAPageLoadsNotTooManyFrames(t *testing.T) {
	w := newWorld(t, mem.New())
	var told []string
	for i := range maxFrames + 10 {
		id := fmt.Sprintf("c%d", i)
		w.clients.add(id, data.Metadata{FrontLogoutURI: "https://" + id + ".example/out"})
		told = append(told, id)
	}
	_, hash := w.signIn(told...)
	left, err := w.sessions.End(t.Context(), hash, w.ann.ID)
	must(t, err)
	if frames, err := w.SignOut(t.Context(), left); err != nil || len(frames) != maxFrames {
		t.Error(len(frames), err)
	}
}

// The clients of a user who was signed out everywhere, by whatever way, are told
// though the grants are dead already.
func TestTheClientsOfOneWhoIsSignedOutEverywhereAreTold(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, w *world) error{
		"disabled": func(ctx context.Context, w *world) error {
			_, err := w.store.ChangeUser(ctx, w.ann.ID, func(u *data.User) error { u.Disabled = true; return nil })
			return err
		},
		"with a new password": func(ctx context.Context, w *world) error {
			_, err := w.store.ChangePassword(ctx, w.ann.ID, "", nil)
			return err
		},
		"signed out by the operator": func(ctx context.Context, w *world) error { return w.store.EndUserGrants(ctx, w.ann.ID, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, mem.New())
				w.clients.add("web", data.Metadata{BackLogoutURI: "https://web.example/out"})
				w.signIn("web")
				w.signIn("web")
				ctx, stop := context.WithCancel(t.Context())
				var group sync.WaitGroup
				group.Go(func() { _ = w.Run(ctx) })
				synctest.Wait()
				must(t, end(ctx, w))
				time.Sleep(time.Minute)
				stop()
				group.Wait()
				if n := len(w.due()); n != 2 {
					t.Errorf("%d are told", n)
				}
			})
		})
	}
}

// A failure or a kill between the sign-out and what follows: Run does it when
// it can. One that fails holds up no other.
func TestWhatWasCutOffIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mem.New())
		w.clients.add("web", data.Metadata{BackLogoutURI: "https://web.example/out"})
		w.clients.put("down", nil)
		first, one := w.signIn("web", "down")
		second, two := w.signIn("web")
		held := []string{w.hold(first.ID, "web", false), w.hold(second.ID, "web", false)}
		left, err := w.sessions.End(t.Context(), one, w.ann.ID)
		must(t, err)
		if _, err := w.SignOut(t.Context(), left); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		_, err = w.sessions.End(t.Context(), two, w.ann.ID) // and then a kill
		must(t, err)
		if len(w.due()) != 0 || w.endings() != 2 {
			t.Fatalf("%d due, %d to be finished", len(w.due()), w.endings())
		}

		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		if len(w.due()) != 1 || w.endings() != 1 || w.alive(held[0]) || w.alive(held[1]) {
			t.Errorf("%d due, %d to be finished", len(w.due()), w.endings())
		}
		w.clients.add("down", data.Metadata{})
		time.Sleep(again)
		synctest.Wait()
		if len(w.due()) != 2 || w.endings() != 0 {
			t.Errorf("later, %d due, %d to be finished", len(w.due()), w.endings())
		}

		// What is noted while it runs is left to whoever noted it, for a while.
		third, three := w.signIn("web")
		_, err = w.sessions.End(ctx, three, third.User)
		must(t, err)
		synctest.Wait()
		if w.endings() != 1 {
			t.Error("it did not wait")
		}
		time.Sleep(settle)
		synctest.Wait()
		if len(w.due()) != 3 || w.endings() != 0 {
			t.Errorf("at last, %d due, %d to be finished", len(w.due()), w.endings())
		}
		stop()
		must(t, <-done)
	})
}

// Many at once finish the same sign-out: each client is told once.
func TestASignOutIsFinishedOnce(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			w.clients.add("web", data.Metadata{BackLogoutURI: "https://web.example/out"})
			_, hash := w.signIn("web")
			left, err := w.sessions.End(t.Context(), hash, w.ann.ID)
			must(t, err)
			begin := make(chan struct{})
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					<-begin
					if _, err := w.SignOut(context.Background(), left); err != nil {
						t.Error(err)
					}
				})
			}
			close(begin)
			all.Wait()
			if len(w.due()) != 1 {
				t.Errorf("told %d times", len(w.due()))
			}
		})
	}
}

func must(t interface {
	Helper()
	Fatal(...any)
}, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
