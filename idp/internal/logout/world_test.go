package logout

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/client"
	"signet/idp/internal/grant"
	"signet/idp/internal/hint"
	"signet/idp/internal/mint"
	"signet/idp/internal/pages"
	"signet/idp/internal/session"
	"signet/idp/internal/signout"
	"signet/idp/internal/wire"
	"signet/keys"
	"signet/resource/token"
)

const issuer = "https://id.example.com"

type clients map[string]*client.Client

func (c clients) Find(_ context.Context, id string) (*client.Client, error) {
	if found, ok := c[id]; ok {
		return found, nil
	}
	return nil, client.ErrUnknown
}

// Subject is pairwise here.
func (c clients) Subject(of *client.Client, user data.UserID) string {
	return of.ID + "|" + string(user)
}

// world is the endpoint with all that is behind it, and one browser before it.
type world struct {
	t        testing.TB
	echo     *echo.Echo
	store    *data.Store
	sessions *session.Service
	grants   *grant.Service
	mint     *mint.Mint
	ring     *keys.Ring
	clients  clients
	ann, bob data.User
	now      time.Time

	jar map[string]string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{t: t, clients: clients{}, now: time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC), jar: map[string]string{}}
	now := func() time.Time { return w.now }
	quiet := slog.New(slog.DiscardHandler)
	var err error
	w.store, err = data.Open(ctx, mem.New(), data.Options{Now: now})
	must(t, err)
	o := keys.Options{Config: keys.DefaultConfig(), Now: now, Logger: quiet,
		Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), w.store.Meta().StoreID)}
	o.Config.Algs, o.Config.MaxLifetime = []keys.Alg{token.ES256}, map[keys.Alg]time.Duration{token.ES256: 10 * time.Minute}
	o.Store = w.store.Cell("ring")
	w.ring, err = keys.Open(ctx, o)
	must(t, err)
	o.Store = w.store.Cell("secret")
	secret, err := keys.OpenSecret(ctx, o)
	must(t, err)
	o.Store = w.store.Cell("macs")
	macs, err := keys.OpenMACs(ctx, o)
	must(t, err)
	w.grants, err = grant.New(grant.Options{Store: w.store, MACs: macs, Secret: secret, Refused: func(error) bool { return true }, Now: now,
		Policy: grant.Policy{TTL: time.Hour, Max: time.Hour}})
	must(t, err)
	w.mint = mint.New(mint.Options{Issuer: issuer, Ring: w.ring, Now: now, Profiles: []mint.Profile{{Audience: "api", Alg: token.ES256, TTL: time.Minute}}})
	u, err := url.Parse(issuer)
	must(t, err)
	w.sessions = session.New(session.Options{Store: w.store, Secret: secret, Issuer: u, Idle: 24 * time.Hour, Max: 24 * time.Hour, Now: now, Logger: quiet})
	shown, err := pages.New(pages.Options{Brand: pages.Brand{Name: "Signet", Color: "#3b5bdb"}})
	must(t, err)
	a := New(Options{Store: w.store, Clients: w.clients, Sessions: w.sessions, Pages: shown, Limiter: free{}, Now: now, Logger: quiet,
		Hints: hint.Reader{Issuer: issuer, Ring: w.ring},
		SignOuts: signout.New(signout.Options{Issuer: issuer, Store: w.store, Grants: w.grants, Clients: w.clients, Sessions: w.sessions,
			Now: now, Logger: quiet})})
	w.mount(a)
	w.ann, w.bob = w.person("ann@example.com"), w.person("bob@example.com")
	w.clients.add("web", client.Configured, data.Metadata{Name: "The Web App", PostLogoutURIs: []string{"https://web.example/bye", "https://web.example/bye?x=1"},
		BackLogoutURI: "https://web.example/back"})
	w.clients.add("app", client.Registered, data.Metadata{Name: "The App", PostLogoutURIs: []string{"https://app.example/bye"}})
	return w
}

// free lets everybody begin as much as they like.
type free struct{}

func (free) TryRequest(netip.Addr, int) error { return nil }

func (c clients) add(id string, source client.Source, m data.Metadata) {
	c[id] = &client.Client{Client: data.Client{ID: id, Metadata: m}, Source: source}
}

func (w *world) mount(a *API) {
	w.echo = echo.New()
	w.echo.GET("/oauth2/logout", a.Logout)
	w.echo.HEAD("/oauth2/logout", a.Logout)
	w.echo.POST("/oauth2/logout", a.Logout)
	w.echo.POST("/oauth2/logout/confirm", a.Confirm)
	w.echo.GET("/oauth2/check_session", a.CheckSession)
	w.echo.HTTPErrorHandler = func(err error, c echo.Context) {
		var e *wire.Error
		if !errors.As(err, &e) {
			w.t.Errorf("an error that is not the protocol's: %v", err)
			e = &wire.Error{Status: http.StatusInternalServerError}
		}
		_ = c.String(e.Status, "error: "+e.Error())
	}
}

func (w *world) person(email string) data.User {
	w.t.Helper()
	u, err := w.store.CreateUser(context.Background(), data.User{Email: email}, data.InvitationHash{})
	must(w.t, err)
	return u
}

// request is one of the world's browser.
func (w *world) request(method, target string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", issuer)
	}
	for name, value := range w.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	w.take(rec)
	return rec
}

func (w *world) take(rec *httptest.ResponseRecorder) {
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(w.jar, c.Name)
		} else {
			w.jar[c.Name] = c.Value
		}
	}
}

// get asks for a logout with pairs of names and values.
func (w *world) get(pairs ...string) *httptest.ResponseRecorder {
	return w.do(w.request(http.MethodGet, "/oauth2/logout?"+query(pairs...).Encode(), nil))
}

func query(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// signIn signs the user in to the browser, and tells the clients.
func (w *world) signIn(user data.User, clients ...string) session.Account {
	w.t.Helper()
	rec := httptest.NewRecorder()
	account, s, err := w.sessions.SignIn(context.Background(), rec, w.request(http.MethodPost, "/", nil), user, nil)
	must(w.t, err)
	w.take(rec)
	for _, c := range clients {
		must(w.t, w.sessions.Touch(context.Background(), s.Hash, account.ID, c))
	}
	return account
}

// who lists the e-mails of those who are signed in.
func (w *world) who() string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	s, err := w.sessions.Load(context.Background(), rec, w.request(http.MethodGet, "/", nil))
	must(w.t, err)
	w.take(rec)
	var emails []string
	for _, a := range s.Accounts {
		emails = append(emails, a.Person.Email)
	}
	return strings.Join(emails, " ")
}

// idToken is what the client was given for the account.
func (w *world) idToken(a session.Account, client string) string {
	return w.sign(mint.ID{Subject: client + "|" + string(a.User), ClientID: client, SID: w.sessions.SID(a.Account, client)})
}

func (w *world) sign(id mint.ID) string {
	w.t.Helper()
	id.Alg, id.TTL = token.ES256, time.Minute
	return w.signed(w.mint.ID(id))
}

func (w *world) signed(checked *mint.Checked, err error) string {
	w.t.Helper()
	must(w.t, err)
	signed, err := w.mint.Sign(checked)
	must(w.t, err)
	return signed.Value
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	formCSRF   = regexp.MustCompile(`name="csrf" value="([^"]*)"`)
)

// press sends the form of the page that asks.
func (w *world) press(page *httptest.ResponseRecorder, action string) *httptest.ResponseRecorder {
	w.t.Helper()
	target, csrf := formAction.FindStringSubmatch(page.Body.String()), formCSRF.FindStringSubmatch(page.Body.String())
	if target == nil || csrf == nil {
		w.t.Fatalf("no form: %d %s", page.Code, page.Body)
	}
	return w.do(w.request(http.MethodPost, strings.ReplaceAll(target[1], "&amp;", "&"), query("csrf", csrf[1], "action", action)))
}

func asks(rec *httptest.ResponseRecorder) bool {
	return rec.Code == http.StatusOK && strings.Contains(rec.Body.String(), `<form method="post" action="`+pathConfirm)
}

// leadsTo tells where the browser goes.
func leadsTo(rec *httptest.ResponseRecorder) string {
	if rec.Code != http.StatusSeeOther {
		return ""
	}
	return rec.Header().Get("Location")
}

// tamper changes the payload of a JWT, and leaves the signature.
func tamper(compact, from, to string) string {
	parts := strings.Split(compact, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), from, to, 1)))
	return strings.Join(parts, ".")
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
