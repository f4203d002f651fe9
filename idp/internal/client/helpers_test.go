package client

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/config"
	"signet/idp/internal/fetch"
	"signet/idp/internal/wire"
	"signet/keys"
)

const issuer = "https://id.example.com"

// fixture is a registry with a clock and a network of its own.
type fixture struct {
	*Registry
	store  *data.Store
	config config.Config

	mu  sync.Mutex
	now time.Time
	web map[string]string // by URL
	got []string          // what was fetched; "fresh " before those that were asked for again
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) wait(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fixture) put(url, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.web[url] = body
}

func (f *fixture) fetched() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.got...)
}

// Get plays the fetcher, with a cache of its own: fresh sees what has changed.
func (f *fixture) Get(_ context.Context, url, _ string, fresh bool) (fetch.Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fresh {
		f.got = append(f.got, "fresh "+url)
		f.web["cached "+url] = f.web[url]
	} else {
		f.got = append(f.got, url)
	}
	body, found := f.web["cached "+url]
	if !found {
		if body, found = f.web[url]; !found {
			return fetch.Document{}, &fetch.Error{Reason: fetch.Name}
		}
		f.web["cached "+url] = body
	}
	return fetch.Document{Body: []byte(body), FetchedAt: f.now.Add(time.Duration(len(f.got)))}, nil
}

func (f *fixture) Check(url string) error {
	if !strings.HasPrefix(url, "https://") {
		return errors.New("only https")
	}
	return nil
}

// parse reads a configuration whose clients are in the file.
func parse(t testing.TB, file string) config.Config {
	t.Helper()
	c, err := config.Parse("c.yaml", []byte("issuer: "+issuer+"\n"+file), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newFixture(t testing.TB, file string, clients ...config.Client) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), web: map[string]string{}, config: parse(t, file)}
	f.config.Clients = append(f.config.Clients, clients...)
	store, err := data.Open(t.Context(), mem.New(), data.Options{Now: f.clock})
	if err != nil {
		t.Fatal(err)
	}
	sealer := keys.NewSealer(keys.NewMasterKey(rand.Reader), store.Meta().StoreID)
	k := f.config.Keys
	secret, err := keys.OpenSecret(t.Context(), keys.Options{
		Config: keys.Config{Algs: k.Algs, RSABits: k.RSABits, RotateEvery: k.RotateEvery, PublishAhead: k.PublishAhead, Lease: k.Lease, Skew: k.Skew,
			MaxLifetime: map[keys.Alg]time.Duration{k.Algs[0]: time.Minute}},
		Store: store.Cell("secret"), Sealer: sealer,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.store = store
	f.Registry, err = New(t.Context(), Options{Config: f.config, Store: store, Secret: secret, Fetch: f, Now: f.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Registry.Close)
	return f
}

// authenticate sends a form, with basic credentials where user is not "".
func (f *fixture) authenticate(t testing.TB, user, password string, pairs ...string) (*Client, error) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, issuer+"/oauth2/token", nil)
	if user != "" {
		req.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(password))
	}
	return f.Authenticate(t.Context(), req, form(t, pairs...))
}

func form(t testing.TB, pairs ...string) wire.Form {
	t.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	f, err := wire.NewForm(values)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
