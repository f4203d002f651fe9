package session

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
	"signet/keys"
)

const (
	testIdle = 14 * 24 * time.Hour
	testMax  = 90 * 24 * time.Hour
)

// clock is a wall clock that a test moves, backwards too.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
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

// world is a store with two people, and a service on it.
type world struct {
	*Service
	t        testing.TB
	engine   *kvtest.Counted
	store    *data.Store
	clock    *clock
	ann, bob data.User
	log      *strings.Builder

	management bool
}

func newWorld(t testing.TB, engine kv.Engine) *world {
	t.Helper()
	w := &world{t: t, engine: &kvtest.Counted{Engine: engine}, clock: &clock{now: time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)}}
	w.open("https://id.example.com")
	w.ann, w.bob = w.person("ann@example.com"), w.person("bob@example.com")
	return w
}

var testMaster = keys.NewMasterKey(rand.Reader)

// open starts the service on the engine, as a restart does.
func (w *world) open(issuer string) {
	w.t.Helper()
	ctx := context.Background()
	w.log = &strings.Builder{}
	logger := slog.New(slog.NewJSONHandler(w.log, nil))
	var err error
	w.store, err = data.Open(ctx, w.engine, data.Options{Now: w.clock.Now, Logger: logger})
	must(w.t, err)
	secret, err := keys.OpenSecret(ctx, keys.Options{Config: keys.DefaultConfig(), Store: w.store.Cell("secret"),
		Sealer: keys.NewSealer(testMaster, w.store.Meta().StoreID)})
	must(w.t, err)
	u, err := url.Parse(issuer)
	must(w.t, err)
	w.Service = New(Options{Store: w.store, Secret: secret, Issuer: u, Idle: testIdle, Max: testMax, Now: w.clock.Now, Logger: logger,
		Management: w.management})
}

func (w *world) person(email string) data.User {
	w.t.Helper()
	u, err := w.store.CreateUser(context.Background(), data.User{Email: email}, data.InvitationHash{})
	must(w.t, err)
	return u
}

// browser keeps cookies as a browser does, for one host.
type browser struct {
	w    *world
	jar  map[string]string
	last []*http.Cookie // what the last answer set
}

func (w *world) newBrowser() *browser { return &browser{w: w, jar: map[string]string{}} }

func (b *browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/sign-in", nil)
	r.Header.Set("Origin", b.w.origin)
	r.Header.Set("User-Agent", "Test/1")
	for name, value := range b.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// take reads the cookies of an answer.
func (b *browser) take(rec *httptest.ResponseRecorder) {
	b.last = rec.Result().Cookies()
	for _, c := range b.last {
		if c.MaxAge < 0 {
			delete(b.jar, c.Name)
		} else {
			b.jar[c.Name] = c.Value
		}
	}
}

func (b *browser) copy() *browser {
	jar := map[string]string{}
	for k, v := range b.jar {
		jar[k] = v
	}
	return &browser{w: b.w, jar: jar}
}

func (b *browser) load() Session {
	b.w.t.Helper()
	rec := httptest.NewRecorder()
	session, err := b.w.Load(context.Background(), rec, b.request())
	must(b.w.t, err)
	b.take(rec)
	return session
}

// lose sends a request whose answer never arrives.
func (b *browser) lose() Session {
	b.w.t.Helper()
	session, err := b.w.Load(context.Background(), httptest.NewRecorder(), b.request())
	must(b.w.t, err)
	return session
}

func (b *browser) signIn(user data.User) Account {
	b.w.t.Helper()
	rec := httptest.NewRecorder()
	account, session, err := b.w.SignIn(context.Background(), rec, b.request(), user, []string{"pwd"})
	must(b.w.t, err)
	if got, ok := session.Account(account.ID); !ok || got.Person.ID != user.ID || session.Accounts[0].ID != account.ID {
		b.w.t.Fatalf("who signed in is not the first of the session: %+v", session)
	}
	b.take(rec)
	return account
}

func (b *browser) signOut(account string) []Left {
	b.w.t.Helper()
	rec := httptest.NewRecorder()
	left, err := b.w.SignOut(context.Background(), rec, b.request(), account)
	must(b.w.t, err)
	b.take(rec)
	return left
}

// who lists the users that the browser is signed in with.
func (b *browser) who() []data.UserID {
	b.w.t.Helper()
	return users(b.load())
}

func users(s Session) (ids []data.UserID) {
	for _, a := range s.Accounts {
		ids = append(ids, a.User)
	}
	return ids
}

func (b *browser) cookie() string { return b.jar[b.w.session.name] }

func (w *world) pairs() int {
	w.t.Helper()
	n := 0
	must(w.t, w.engine.View(context.Background(), func(r kv.Reader) error {
		return r.Scan(nil, nil, func(_, _ []byte) bool { n++; return true })
	}))
	return n
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
