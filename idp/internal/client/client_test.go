package client

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/config"
	"signet/idp/internal/wire"
)

func (f *fixture) create(t testing.TB, c data.Client) (*Client, string) {
	t.Helper()
	made, secret, err := f.Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return made, secret
}

func TestAStoredClientIsReadOnceAndRenewedWhenItChanges(t *testing.T) {
	f := newFixture(t, "")
	made, _ := f.create(t, data.Client{ID: "a", Metadata: redirects})
	one, err := f.Find(t.Context(), "a")
	if err != nil || one != made {
		t.Fatalf("got %p, %v, want %p", one, err, made)
	}
	if _, _, err := f.Change(t.Context(), "a", func(c *data.Client) error { c.Name = "A"; return nil }); err != nil {
		t.Fatal(err)
	}
	two, err := f.Find(t.Context(), "a")
	if err != nil || two == one || two.Name != "A" || one.Name != "" {
		t.Errorf("got %+v, %v", two, err)
	}
	if err := f.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Find(t.Context(), "a"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a removed client gave %v", err)
	}
}

// A reader that was slow must not put back what was changed meanwhile.
func TestManyReadersNeverSeeAChangeUndone(t *testing.T) {
	f := newFixture(t, "")
	f.create(t, data.Client{ID: "a", Metadata: redirects})
	var all sync.WaitGroup
	start := make(chan struct{})
	for range 8 {
		all.Go(func() {
			<-start
			seen := ""
			for range 200 {
				c, err := f.Find(t.Context(), "a")
				if err != nil || c.Name < seen {
					t.Errorf("got %v, %v after %q", c, err, seen)
					return
				}
				seen = c.Name
			}
		})
	}
	close(start)
	for n := range 20 {
		name := strings.Repeat("a", n+1)
		if _, _, err := f.Change(t.Context(), "a", func(c *data.Client) error { c.Name = name; return nil }); err != nil {
			t.Fatal(err)
		}
		if c, err := f.Find(t.Context(), "a"); err != nil || c.Name != name {
			t.Fatalf("after the change: %v, %v", c, err)
		}
	}
	all.Wait()
}

// What was read before a change is not kept after it.
func TestTheCacheKeepsNothingThatMayBeOld(t *testing.T) {
	changed := make(chan struct{}, 1)
	c := newCache(changed, func() {})
	before := c.current()
	changed <- struct{}{}
	c.put(&Client{Client: data.Client{ID: "a"}}, 100, before)
	if _, found := c.get("a"); found {
		t.Error("what may be old is there")
	}
	c.put(&Client{Client: data.Client{ID: "a"}}, 100, c.current())
	if _, found := c.get("a"); !found {
		t.Error("what is new is not there")
	}
	changed <- struct{}{}
	if _, found := c.get("a"); found {
		t.Error("what was changed is there")
	}
}

func TestTheCacheOfClientsHasItsRoomAndNoMore(t *testing.T) {
	held := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, c := range []struct {
		name    string
		clients int
		said    int // bytes that each says of itself
		keys    int // bytes of its keys
	}{
		{"many small ones", 100_000, 100, 0},
		{"some that say much", 5_000, 10_000, 0},
		{"some with all the keys that a request has room for", 500, 100, 64 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache := newCache(make(chan struct{}), func() {})
			before := held()
			for i := range c.clients {
				m := data.Metadata{Name: strings.Repeat("n", c.said/2), RedirectURIs: []string{strings.Repeat("u", c.said/2)}}
				if c.keys > 0 {
					m.JWKS = []byte(`"` + strings.Repeat("k", c.keys) + `"`)
				}
				cache.put(&Client{Client: data.Client{ID: strconv.Itoa(i), Metadata: m}}, c.said+c.keys, 0)
			}
			if n := held() - before; n > cacheRoom {
				t.Errorf("%d bytes are held in a room of %d", n, cacheRoom)
			}
			if _, found := cache.get(strconv.Itoa(c.clients - 1)); !found {
				t.Error("the last one is not there")
			}
		})
	}
}

func TestAnAudienceIsFoundAmongAThousandAsAmongOne(t *testing.T) {
	allocs := func(n int) float64 {
		var file strings.Builder
		file.WriteString("audiences:\n")
		for i := range n {
			fmt.Fprintf(&file, "  - name: api%04d\n", i)
		}
		f := newFixture(t, file.String())
		c := &Client{}
		last := []string{fmt.Sprintf("api%04d", n-1)}
		return testing.AllocsPerRun(100, func() {
			for _, asked := range [][]string{nil, last} {
				if got, err := f.Audiences(c.Terms(), nil, asked); err != nil || len(got) != 1 {
					t.Fatalf("%v, %v", got, err)
				}
			}
		})
	}
	if one, thousand := allocs(1), allocs(1000); thousand > one {
		t.Errorf("%.0f allocations among a thousand, %.0f where there is one", thousand, one)
	}
}

func TestAConfiguredClientIsNobodyElses(t *testing.T) {
	f := newFixture(t, "", some()...)
	if err := f.Clash(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, err := f.Create(t.Context(), data.Client{ID: "basic", Metadata: redirects}); !errors.Is(err, data.ErrClientTaken) {
		t.Errorf("its id was given away: %v", err)
	}
	change := func(*data.Client) error { t.Error("it was changed"); return nil }
	if _, _, err := f.Change(t.Context(), "basic", change); !errors.Is(err, ErrConfigured) {
		t.Errorf("change: %v", err)
	}
	if _, err := f.RotateSecret(t.Context(), "basic", 0); !errors.Is(err, ErrConfigured) {
		t.Errorf("rotate: %v", err)
	}
	if err := f.Remove(t.Context(), "basic"); !errors.Is(err, ErrConfigured) {
		t.Errorf("remove: %v", err)
	}
	if err := f.store.CreateClient(t.Context(), data.Client{ID: "basic"}, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Clash(t.Context()); !errors.Is(err, ErrClash) || !strings.Contains(err.Error(), "basic") {
		t.Errorf("in both places: %v", err)
	}
	if c, err := f.Find(t.Context(), "basic"); err != nil || c.Source != Configured {
		t.Errorf("found %v, %v", c, err)
	}
}

func TestASecretInAFileOrAsAHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strong+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hash := data.HashOf(strong)
	f := newFixture(t, "", config.Client{ID: "file", SecretFile: path, Metadata: redirects},
		config.Client{ID: "hash", SecretSHA256: hex.EncodeToString(hash[:]), Metadata: redirects})
	for _, id := range []string{"file", "hash"} {
		if _, err := f.authenticate(t, id, strong); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := FromConfig(f.config); err == nil || strings.Contains(err.Error(), strong) {
		t.Errorf("a file that others may read: %v", err)
	}
}

func TestTheOldSecretIsGoodForAWhile(t *testing.T) {
	for _, method := range []string{wire.AuthClientSecretBasic, wire.AuthClientSecretJWT} {
		f := newFixture(t, "")
		_, first := f.create(t, data.Client{ID: "a", Metadata: with(redirects, method)})
		works := func(secret string) bool {
			var err error
			if method == wire.AuthClientSecretJWT {
				_, err = f.authenticate(t, "", "", assertion64(jwt(members{"alg": "HS256"}, f.claims("a"), []byte(secret)))...)
			} else {
				_, err = f.authenticate(t, "a", secret)
			}
			return err == nil
		}
		second, err := f.RotateSecret(t.Context(), "a", time.Hour)
		if err != nil || second == first || !strings.HasPrefix(second, SecretPrefix) {
			t.Fatal(second, err)
		}
		if !works(first) || !works(second) {
			t.Errorf("%s: at first, the old one works: %v, the new one: %v", method, works(first), works(second))
		}
		f.wait(time.Hour)
		if works(first) || !works(second) {
			t.Errorf("%s: later, the old one works: %v, the new one: %v", method, works(first), works(second))
		}
		third, err := f.RotateSecret(t.Context(), "a", 0)
		if err != nil || works(second) || !works(third) {
			t.Errorf("%s: at once, the old one works: %v, the new one: %v (%v)", method, works(second), works(third), err)
		}
	}
}

func TestASecretIsOfOneKind(t *testing.T) {
	f := newFixture(t, "")
	_, first := f.create(t, data.Client{ID: "a", Metadata: redirects})
	to := func(method string) string {
		t.Helper()
		_, secret, err := f.Change(t.Context(), "a", func(c *data.Client) error { c.AuthMethod = method; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	if secret := to(wire.AuthClientSecretPost); secret != "" {
		t.Error("the same kind of secret was made anew")
	}
	if _, err := f.authenticate(t, "", "", "client_id", "a", "client_secret", first); err != nil {
		t.Error(err)
	}
	derived := to(wire.AuthClientSecretJWT)
	if c, err := f.Find(t.Context(), "a"); err != nil || derived == "" || !c.SecretHash.IsZero() {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := f.Find(t.Context(), "a"); err != nil || !f.HasSecret(c, derived) || f.HasSecret(c, first) {
		t.Errorf("%+v, %v", c, err)
	}
	if secret := to(wire.AuthNone); secret != "" {
		t.Error("a public client got a secret")
	}
	if c, err := f.Find(t.Context(), "a"); err != nil || !c.SecretSalt.IsZero() || f.HasSecret(c, "") || f.HasSecret(c, derived) {
		t.Errorf("%+v, %v", c, err)
	}
	if secret := to(wire.AuthClientSecretBasic); secret == "" || secret == first {
		t.Error("no new secret")
	}
}

// OpenID Connect Core, sections 8 and 8.1: what people are called.
func TestOpenIDCoreSection81(t *testing.T) {
	f := newFixture(t, "")
	const user, other = data.UserID("abcdefghijklmnopqrstuvwxyz"), data.UserID("bbcdefghijklmnopqrstuvwxyz")
	f.put("https://sector.example/uris", `["https://a.example/cb", "https://b.example/cb"]`)
	client := func(id, subject, sector string, uris ...string) *Client {
		c, _ := f.create(t, data.Client{ID: id, Metadata: data.Metadata{RedirectURIs: uris, SubjectType: subject, SectorURI: sector}})
		return c
	}
	public := client("public", metadata.SubjectPublic, "", "https://a.example/cb")
	a := client("a", metadata.SubjectPairwise, "", "https://a.example/cb", "https://a.example/cb2")
	a2 := client("a2", metadata.SubjectPairwise, "", "https://a.example:8443/other")
	b := client("b", metadata.SubjectPairwise, "", "https://b.example/cb")
	both := client("both", metadata.SubjectPairwise, "https://sector.example/uris", "https://a.example/cb", "https://b.example/cb")
	one := client("one", metadata.SubjectPairwise, "https://sector.example/uris", "https://a.example/cb")

	if f.Subject(public, user) != string(user) {
		t.Error("a public client knows the user by another name")
	}
	if f.Subject(a, user) != f.Subject(a2, user) || f.Subject(both, user) != f.Subject(one, user) {
		t.Error("the same sector, another name")
	}
	names := map[string]bool{}
	for _, c := range []*Client{public, a, b, both} {
		for _, u := range []data.UserID{user, other} {
			names[f.Subject(c, u)] = true
		}
	}
	if len(names) != 8 {
		t.Errorf("%d names of 8", len(names))
	}
	if sub := f.Subject(a, user); len(sub) > 255 || sub != f.Subject(a, user) || strings.Contains(sub, string(user)) {
		t.Errorf("sub is %q", sub)
	}
}

// OpenID Connect Registration, section 5: the sector lists the redirect URIs.
func TestOpenIDRegistrationSection5(t *testing.T) {
	f := newFixture(t, "")
	const uri = "https://sector.example/uris"
	for _, tt := range []struct {
		name, document string
		good           bool
	}{
		{"all of them, and more", `["https://app.example.com/cb", "https://b.example/"]`, true},
		{"not all of them", `["https://b.example/"]`, false},
		{"an object", `{"redirect_uris": ["https://app.example.com/cb"]}`, false},
		{"numbers", `[1]`, false},
		{"no JSON", `<html>`, false},
		{"nothing there", "", false},
	} {
		delete(f.web, uri)
		delete(f.web, "cached "+uri)
		if tt.document != "" {
			f.put(uri, tt.document)
		}
		m := redirects
		m.SectorURI = uri
		_, _, err := f.Create(t.Context(), data.Client{Metadata: m})
		var wrong metadata.Error
		if tt.good != (err == nil) || err != nil && (!errors.As(err, &wrong) || wrong[0].Member != "sector_identifier_uri") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestScopesAreThoseThatExistAndThatTheClientMayHave(t *testing.T) {
	f := newFixture(t, "scopes: [posts:read, posts:write, roles]\n")
	usual, _ := f.create(t, data.Client{ID: "usual", Metadata: redirects})
	some, _ := f.create(t, data.Client{ID: "some", Metadata: data.Metadata{RedirectURIs: redirects.RedirectURIs, Scope: "openid posts:read offline_access"}})
	service, _ := f.create(t, data.Client{ID: "service", Metadata: data.Metadata{GrantTypes: []string{wire.GrantClientCredentials}}})
	stranger, _ := f.create(t, data.Client{ID: "stranger", Metadata: data.Metadata{RedirectURIs: redirects.RedirectURIs, Scope: "openid roles"}, Registered: true})
	for _, tt := range []struct {
		client      *Client
		asked, want string
	}{
		{usual, "posts:write  openid email openid", "posts:write openid email"},
		{usual, "openid admin OPENID", "openid"},
		{usual, "", ""},
		{usual, "offline_access", "offline_access"},
		{some, "openid email posts:read posts:write offline_access", "openid posts:read offline_access"},
		{service, "posts:read offline_access", "posts:read"},
		{usual, "roles", "roles"},
		{stranger, "openid roles", "openid"}, // nobody here has looked at who would act with them
	} {
		if got := f.Scope(tt.client.Terms(), tt.asked); got != tt.want {
			t.Errorf("%s asked for %q: %q", tt.client.ID, tt.asked, got)
		}
	}
}

// RFC 8707, section 2: what tokens are for.
func TestRFC8707Section2(t *testing.T) {
	f := newFixture(t, "audiences: [api, 'https://orders.example.com/', 'https://posts.example.com']\n")
	all, _ := f.create(t, data.Client{ID: "all", Metadata: redirects})
	orders, _ := f.create(t, data.Client{ID: "orders", Metadata: redirects, Audiences: []string{"gone", "https://orders.example.com/"}})
	gone, _ := f.create(t, data.Client{ID: "gone", Metadata: redirects, Audiences: []string{"gone"}})
	for _, tt := range []struct {
		name               string
		client             *Client
		resource, audience []string
		want               string // "": invalid_target
	}{
		{"nothing asked", all, nil, nil, "api"},
		{"nothing asked by one that may have others", orders, nil, nil, "https://orders.example.com/"},
		{"a resource", all, []string{"https://posts.example.com"}, nil, "https://posts.example.com"},
		{"an audience", all, nil, []string{"api"}, "api"},
		{"several, and one twice", all, []string{"https://posts.example.com", "https://orders.example.com/"}, []string{"api", "https://posts.example.com"},
			"https://posts.example.com https://orders.example.com/ api"},
		{"an unknown resource", all, []string{"https://other.example.com"}, nil, ""},
		{"a resource with another path", all, []string{"https://posts.example.com/"}, nil, ""},
		{"a resource that is a name", all, []string{"api"}, nil, ""},
		{"a resource with a fragment", all, []string{"https://posts.example.com#"}, nil, ""},
		{"a resource that is a path", all, []string{"/posts"}, nil, ""},
		{"one that it may not have", orders, nil, []string{"api"}, ""},
		{"one that has left the configuration", orders, nil, []string{"gone"}, ""},
		{"nothing left", gone, nil, nil, ""},
	} {
		got, err := f.Audiences(tt.client.Terms(), tt.resource, tt.audience)
		var e *wire.Error
		switch {
		case tt.want != "" && (err != nil || strings.Join(got, " ") != tt.want):
			t.Errorf("%s: %v, %v", tt.name, got, err)
		case tt.want == "" && (!errors.As(err, &e) || e.Code != wire.CodeInvalidTarget):
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

func TestAClientThatRegisteredItselfEndsUnlessItIsUsed(t *testing.T) {
	f := newFixture(t, "")
	unused, _ := f.create(t, data.Client{ID: "unused", Metadata: redirects, Registered: true})
	used, _ := f.create(t, data.Client{ID: "used", Metadata: redirects, Registered: true})
	if unused.Source != Registered || unused.GrantTypes == nil {
		t.Errorf("got %+v", unused)
	}
	for range 2 {
		if err := f.MarkUsed(t.Context(), used.Self()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Find(t.Context(), "unused"); err != nil {
		t.Errorf("at first: %v", err)
	}
	f.wait(24 * time.Hour)
	if _, err := f.Find(t.Context(), "unused"); !errors.Is(err, ErrUnknown) {
		t.Errorf("unused: %v", err)
	}
	if c, err := f.Find(t.Context(), "used"); err != nil || !c.Used {
		t.Errorf("used: %v, %v", c, err)
	}
	if err := f.MarkUsed(t.Context(), unused.Self()); !errors.Is(err, ErrUnknown) {
		t.Errorf("marked when it was over: %v", err)
	}
}
