package resourcetest

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
)

// Issuer is an issuer of access tokens that lives as long as a test. Several
// goroutines may use it, and subtests that run in parallel; but what changes
// it (Revoke, Rotate, RevokeKey, Down, Up, SetNow) is for the goroutine of the
// test that made it, and for one at a time.
type Issuer struct {
	// URL is the issuer's name, as resource.New wants it.
	URL string
	// Audience is whom its tokens are for, unless they say otherwise.
	Audience string

	t     testing.TB
	inner *issuertest.Issuer

	mu        sync.Mutex
	keys      []issuertest.Key // those that are published; the last one signs
	made      int              // keys, ever
	verifiers []*resource.Verifier
	down      bool
	clock     func() time.Time
	list      statusList
}

// NewIssuer starts an issuer on a loopback port of its own, whose tokens are
// for audience. It answers as a Signet issuer does where a resource server
// asks: with its metadata, its keys and its status list, with long polls. It
// ends with the test.
func NewIssuer(t testing.TB, audience string) *Issuer {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	i := newIssuer(t, "http://"+server.Listener.Addr().String(), audience)
	server.Config.Handler = i.inner
	server.Start()
	t.Cleanup(func() {
		i.inner.Set(func(k *issuertest.Knobs) { k.Down = true }) // so that no long poll holds Close up
		server.Close()
	})
	return i
}

// NewIssuerAt makes an issuer of any name, such as https://id.example, that is
// on no network: only its Verifiers and its Client reach it. Within a bubble of
// testing/synctest it keeps the bubble's time. The URL has no path.
func NewIssuerAt(t testing.TB, issuer, audience string) *Issuer {
	t.Helper()
	if u, err := url.Parse(issuer); err != nil || u.Host == "" || issuer != u.Scheme+"://"+u.Host {
		t.Fatalf("resourcetest: %q is not a scheme and a host; name the issuer like https://id.example", issuer)
	}
	return newIssuer(t, issuer, audience)
}

func newIssuer(t testing.TB, issuer, audience string) *Issuer {
	i := &Issuer{URL: issuer, Audience: audience, t: t, inner: issuertest.New(t, issuer), made: 1, clock: time.Now}
	i.keys = []issuertest.Key{i.inner.Key()}
	i.openList()
	return i
}

// Client reaches the issuer, and nobody else, without a network.
func (i *Issuer) Client() *http.Client { return &http.Client{Transport: transport{i}} }

type transport struct{ *Issuer }

// RoundTrip refuses what is not for the issuer, so that a test cannot reach
// the world by a wrong URL.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme+"://"+r.URL.Host != t.URL {
		return nil, errors.New("resourcetest: the issuer of the test is " + t.URL + ", and nobody else is there")
	}
	return t.inner.RoundTrip(r)
}

// Verifier returns a verifier of the issuer's tokens, which already knows its
// keys and status list unless the issuer is down. It is resource.New with opts,
// and follows the issuer as it would in production; what it logs is in the log
// of t, and it is closed when t ends, not before. WithKeys, WithHTTPClient and
// WithNow are the kit's.
func (i *Issuer) Verifier(t testing.TB, opts ...resource.Option) *resource.Verifier {
	t.Helper()
	v, err := resource.New(i.URL, i.Audience, append([]resource.Option{
		resource.WithHTTPClient(i.Client()),
		resource.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))),
		resource.WithCooldown(time.Millisecond), // so that nothing has to be waited for
		resource.WithNow(i.now),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	i.verifiers = append(i.verifiers, v)
	i.mu.Unlock()
	t.Cleanup(func() {
		i.mu.Lock()
		i.verifiers = slices.DeleteFunc(i.verifiers, func(other *resource.Verifier) bool { return other == v })
		i.mu.Unlock()
		v.Close()
	})
	if !i.isDown() {
		i.wait(t, "got the issuer's keys and status list", []*resource.Verifier{v}, i.knows)
	}
	return v
}

// SetNow gives the issuer, and the Verifiers that it makes from now on, another
// clock than time.Now.
func (i *Issuer) SetNow(now func() time.Time) {
	i.clock = now
	i.publishList() // which says when it was made
}

func (i *Issuer) now() time.Time { return i.clock() }

// signer is the key that signs now.
func (i *Issuer) signer() issuertest.Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1]
}
