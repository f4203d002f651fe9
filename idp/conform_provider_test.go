package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/signin"
)

// The tests of the files conform_*_test.go hold the specifications against the
// whole provider, from outside: over HTTP, with a browser and a relying party
// that know nothing of its insides. A test is named by the section and the
// sentence that it stands for, and, where a module of the OpenID certification
// tests asks the same, by that module.

// provider is an issuer at its own URL, with its services at work.
type provider struct {
	*issuer
	origin   string         // its URL without the path
	document map[string]any // its metadata
	user     data.User
	dialer   http.RoundTripper // how the others reach it
	others   []*issuer         // further nodes
}

// The same holds of several nodes, each request going to another one:
// go test ./idp -run 'OpenID|OAuth|RFC|Whole' -nodes 3
var manyNodes = flag.Int("nodes", 1, "how many nodes the provider of the conform tests has")

const (
	secretText = "a-secret-that-is-long-enough-for-all"
	personMail = "ada@example.com"
)

// newProvider starts one, with a person. yaml is the file of settings, less
// the issuer.
func newProvider(t testing.TB, yaml string, settings ...string) *provider {
	t.Helper()
	return newProviderAt(t, "", yaml, settings...)
}

// newProviderAt is newProvider with a path in the issuer's URL.
func newProviderAt(t testing.TB, path, yaml string, settings ...string) *provider {
	t.Helper()
	if *manyNodes > 1 {
		return newClusterAt(t, *manyNodes, path, yaml, settings...).provider
	}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	yaml = "issuer: " + at + path + "\nthrottle: {register_burst: 1000}\nkeys: {lease: 4h, publish_ahead: 12h} # the clock is moved by hand\n" + yaml
	i, r := startIssuer(t, listener, yaml, settings...)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, run := range r.beside() {
		group.Go(func() { _ = run(ctx) })
	}
	t.Cleanup(func() { stop(); group.Wait() })
	i.url = at + path
	p := &provider{issuer: i, origin: at, dialer: outside}
	if err := json.Unmarshal([]byte(i.call(http.MethodGet, "/.well-known/openid-configuration", "").want(t, http.StatusOK).Body), &p.document); err != nil {
		t.Fatal(err)
	}
	p.user = p.person(personMail)
	return p
}

// person is somebody of whom all can be said that there are claims for.
func (p *provider) person(email string) data.User {
	p.t.Helper()
	u, err := p.house.signin.Register(p.t.Context(), signin.RegisterRequest{Email: email, Password: password})
	if err == nil {
		u, err = p.house.store.ChangeUser(p.t.Context(), u.ID, func(u *data.User) error {
			u.EmailVerified = true
			u.Profile = data.Profile{
				Name: "Ada King Lovelace", GivenName: "Ada", FamilyName: "Lovelace", MiddleName: "King", Nickname: "Ada",
				PreferredUsername: "ada", Profile: "https://example.com/ada", Picture: "https://example.com/ada.png",
				Website: "https://ada.example.com", Gender: "female", Birthdate: "1815-12-10", Zoneinfo: "Europe/London",
				Locale: "en-GB", PhoneNumber: "+44 20 7946 0000", PhoneVerified: true,
				Address: data.Address{Formatted: "12 St James's Square, London", Country: "United Kingdom"},
			}
			return nil
		})
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return u
}

// at is what the metadata says of a place.
func (p *provider) at(name string) string {
	p.t.Helper()
	text, _ := p.document[name].(string)
	if text == "" {
		p.t.Fatalf("the metadata has no %s", name)
	}
	return text
}

// lists is what the metadata says where it says several things.
func (p *provider) lists(name string) (texts []string) {
	list, _ := p.document[name].([]any)
	for _, v := range list {
		texts = append(texts, v.(string))
	}
	return texts
}

// forward moves the clock.
func (p *provider) forward(by time.Duration) {
	p.clock.setBack(-by)
	for _, o := range p.others {
		o.clock.setBack(-by)
	}
}

// hosted is what somebody else has on the web, and can change.
type hosted struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
}

func host(t testing.TB) *hosted {
	h := &hosted{files: map[string]string{}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// put says what is at a path, and returns its URL.
func (h *hosted) put(path, body string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[path] = body
	return h.URL + path
}

func (h *hosted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, found := h.files[r.URL.Path]
	if !found {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		w.Header().Set("Content-Type", "application/json")
	}
	_, _ = w.Write([]byte(body))
}
