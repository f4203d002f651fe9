package device

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/devicecode"
	"signet/idp/internal/wire"
	"signet/keys"
)

const (
	issuer = "https://id.example"
	secret = "the-box-s-secret-of-more-than-32-bytes"
)

type world struct {
	t     *testing.T
	store *data.Store
	api   *API
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := config.Parse("c.yaml", []byte("issuer: "+issuer+"\n"), nil)
	must(t, err)
	c.Audiences = []config.Audience{{Name: "api"}, {Name: "https://files.example"}}
	device := data.Metadata{GrantTypes: []string{wire.GrantDeviceCode}, Scope: "openid profile"}
	c.Clients = []config.Client{
		{ID: "tv", Metadata: device},
		{ID: "box", Secret: secret, Metadata: device},
		{ID: "web", Metadata: data.Metadata{RedirectURIs: []string{"https://app.example/"}}},
	}
	store, err := data.Open(t.Context(), mem.New(), data.Options{})
	must(t, err)
	sealed, err := keys.OpenSecret(t.Context(), keys.Options{Config: keys.DefaultConfig(), Store: store.Cell("secret"),
		Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), store.Meta().StoreID)})
	must(t, err)
	clients, err := client.New(t.Context(), client.Options{Config: c, Store: store, Secret: sealed, Now: time.Now})
	must(t, err)
	t.Cleanup(clients.Close)
	return &world{t: t, store: store, api: New(Options{Issuer: issuer, Clients: clients,
		Devices: devicecode.New(devicecode.Options{Store: store, TTL: c.Tokens.DeviceTTL, Now: time.Now}), Limiter: free{}})}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) post(body string, edit ...func(*http.Request)) (*httptest.ResponseRecorder, error) {
	req := httptest.NewRequest(http.MethodPost, "/oauth2/device_authorization", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, e := range edit {
		e(req)
	}
	rec := httptest.NewRecorder()
	return rec, w.api.Authorize(echo.New().NewContext(req, rec))
}

// RFC 8628, sections 3.1, 3.2 and 3.3.1.
func TestADeviceIsToldItsCodes(t *testing.T) {
	w := newWorld(t)
	rec, err := w.post("client_id=tv&scope=openid+unknown&resource=https%3A%2F%2Ffiles.example")
	must(t, err)
	if rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
		t.Errorf("got %d %v", rec.Code, rec.Header())
	}
	var got answer
	must(t, json.Unmarshal(rec.Body.Bytes(), &got))
	body := strings.NewReplacer(got.DeviceCode, "[device]", got.UserCode, "[user]").Replace(strings.TrimSpace(rec.Body.String()))
	const want = `{"device_code":"[device]","user_code":"[user]","verification_uri":"https://id.example/device",` +
		`"verification_uri_complete":"https://id.example/device?user_code=[user]","expires_in":600,"interval":5}`
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	if !regexp.MustCompile(`^[A-Z]{4}-[A-Z]{4}$`).MatchString(got.UserCode) {
		t.Errorf("the user code is %q", got.UserCode)
	}
	d, err := w.store.Devices.Get(context.Background(), data.HashOf(got.DeviceCode))
	if err != nil || d.Client != "tv" || d.Scope != "openid" || !slices.Equal(d.Audience, []string{"https://files.example"}) {
		t.Errorf("stored %+v, %v", d, err)
	}
}

func TestADeviceThatAuthenticatesIsToldItsCodes(t *testing.T) {
	w := newWorld(t)
	_, err := w.post("", func(r *http.Request) { r.SetBasicAuth("box", secret) })
	must(t, err)
}

func TestADeviceIsRefused(t *testing.T) {
	w := newWorld(t)
	cases := []struct {
		name, body, want string
		edit             func(*http.Request)
	}{
		{"RFC 8628 3.1: that names no client", "scope=openid", wire.CodeInvalidClient, nil},
		{"RFC 8628 3.1: that names nobody", "client_id=nobody", wire.CodeInvalidClient, nil},
		{"RFC 8628 3.1: whose client has to authenticate", "client_id=box", wire.CodeInvalidClient, nil},
		{"RFC 8628 3.1: with a wrong secret", "", wire.CodeInvalidClient, func(r *http.Request) { r.SetBasicAuth("box", "wrong") }},
		{"whose client has not registered the grant type", "client_id=web", wire.CodeUnauthorizedClient, nil},
		{"that asks only for what it may not have", "client_id=tv&scope=email", wire.CodeInvalidScope, nil},
		{"RFC 8707 2: for an audience that is not there", "client_id=tv&resource=https%3A%2F%2Fnobody.example", wire.CodeInvalidTarget, nil},
		{"RFC 8707 2: for a resource that is no URI", "client_id=tv&resource=api", wire.CodeInvalidTarget, nil},
		{"RFC 8628 3.1: with a parameter twice", "client_id=tv&scope=openid&scope=openid", wire.CodeInvalidRequest, nil},
		{"in another media type", "{}", wire.CodeInvalidRequest, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }},
		{"RFC 6749 2.3: that proves itself twice", "client_id=box&client_secret=" + secret, wire.CodeInvalidRequest, func(r *http.Request) { r.SetBasicAuth("box", secret) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			edit := c.edit
			if edit == nil {
				edit = func(*http.Request) {}
			}
			_, err := w.post(c.body, edit)
			var e *wire.Error
			if !errors.As(err, &e) || e.Code != c.want {
				t.Fatalf("got %v, want %s", err, c.want)
			}
		})
	}
}

// free lets everybody begin as much as they like.
type free struct{}

func (free) TryRequest(netip.Addr, int) error { return nil }
