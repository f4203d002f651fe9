package interact

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/net/html"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/grant"
	"signet/idp/internal/pages"
	"signet/idp/internal/request"
	"signet/idp/internal/session"
	"signet/idp/internal/signin"
	"signet/idp/internal/wire"
	"signet/keys"
)

const (
	issuer   = "https://id.example.com/auth"
	origin   = "https://id.example.com"
	password = "a long way to go"
)

const settings = "issuer: " + issuer + "\npasswords: {bcrypt_cost: 10}\n"

// declared are the client and the scope that the tests speak of.
func declared(c *config.Config) {
	c.Clients = []config.Client{{
		ID: "notes", Secret: "a-secret-that-nobody-could-ever-guess-1",
		Metadata: data.Metadata{
			Name: "Tidy Notes", ClientURI: "https://notes.example.com", RedirectURIs: []string{"https://notes.example.com/callback"},
			GrantTypes: []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken, wire.GrantDeviceCode},
		},
	}}
	c.Scopes = []config.Scope{{Name: "notes:write", Text: "Write and delete your notes", Texts: map[string]string{"de": "Ihre Notizen ändern und löschen"}}}
}

// world is an issuer's pages with all that is behind them.
type world struct {
	t        testing.TB
	echo     *echo.Echo
	api      *API
	store    *data.Store
	sessions *session.Service
	grants   *grant.Service

	mu   sync.Mutex
	now  time.Time
	left []session.Left // who was signed out

	frames  []string // what follows a sign-out
	failure error
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t testing.TB, more ...string) *world {
	t.Helper()
	ctx, logger := t.Context(), slog.New(slog.DiscardHandler)
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	c, err := config.Parse("c.yaml", []byte(settings+strings.Join(more, "\n")), nil)
	must(t, err)
	declared(&c)
	w.store, err = data.Open(ctx, mem.New(), data.Options{Now: w.clock, Logger: logger})
	must(t, err)
	sealed := keys.Options{Config: keys.DefaultConfig(), Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), w.store.Meta().StoreID), Now: w.clock}
	sealed.Store = w.store.Cell("secret")
	secret, err := keys.OpenSecret(ctx, sealed)
	must(t, err)
	sealed.Store = w.store.Cell("macs")
	macs, err := keys.OpenMACs(ctx, sealed)
	must(t, err)
	w.grants, err = grant.New(grant.Options{Store: w.store, MACs: macs, Secret: secret, Refused: func(error) bool { return true }, Now: w.clock,
		Policy: grant.Policy{TTL: time.Hour, Max: 2 * time.Hour}, Logger: logger})
	must(t, err)
	people, err := signin.New(ctx, signin.Options{Store: w.store, Registration: signin.Registration(c.Registration), Cost: signin.MinCost,
		MinLength: c.Passwords.MinLength, Workers: 2, Wait: time.Minute, Throttle: signin.Throttle(c.Throttle), Now: w.clock, Logger: logger})
	must(t, err)
	clients, err := client.New(ctx, client.Options{Config: c, Store: w.store, Secret: secret, Now: w.clock, Logger: logger})
	must(t, err)
	t.Cleanup(clients.Close)
	u, err := url.Parse(issuer)
	must(t, err)
	w.sessions = session.New(session.Options{Store: w.store, Secret: secret, Issuer: u, Idle: 24 * time.Hour, Max: 48 * time.Hour, Now: w.clock, Logger: logger})
	ui, err := pages.New(pages.Options{Base: "/auth"})
	must(t, err)
	w.api = New(Options{Base: "/auth", Secure: true, Config: c, Pages: ui, Sessions: w.sessions, Clients: clients, SignIn: people,
		Requests: request.New(request.Options{Issuer: issuer, Clients: clients, Now: w.clock}),
		Grants:   w.grants, Store: w.store, SignOuts: w, Now: w.clock, Logger: logger})
	w.mount()
	return w
}

// SignOut notes who was signed out.
func (w *world) SignOut(_ context.Context, left []session.Left) (frames []string, err error) {
	w.left = append(w.left, left...)
	return w.frames, w.failure
}

// mount is what the table of routes does.
func (w *world) mount() {
	w.echo = echo.New()
	w.echo.HTTPErrorHandler = func(err error, c echo.Context) { http.Error(c.Response(), err.Error(), http.StatusInternalServerError) }
	g, a := w.echo.Group("/auth"), w.api
	g.GET("/sign-in", a.ShowSignIn)
	g.POST("/sign-in", a.DoSignIn)
	g.GET("/sign-up", a.ShowSignUp)
	g.POST("/sign-up", a.DoSignUp)
	g.GET("/accounts", a.ShowAccounts)
	g.POST("/accounts", a.ChooseAccount)
	g.GET("/consent", a.ShowConsent)
	g.POST("/consent", a.Consent)
	g.GET("/device", a.ShowDevice)
	g.POST("/device", a.Device)
	g.GET("/account", a.ShowAccount)
	g.POST("/account/name", a.ChangeName)
	g.POST("/account/password", a.ChangePassword)
	g.POST("/account/devices", a.SignOutDevice)
	g.POST("/account/apps", a.RemoveApp)
	g.POST("/account/sign-out", a.SignOut)
	g.GET("/signed-out", a.ShowSignedOut)
}

// hashed is the hash of everybody's password.
var hashed = sync.OnceValues(func() ([]byte, error) { return bcrypt.GenerateFromPassword([]byte(password), signin.MinCost) })

// person makes an account.
func (w *world) person(email string) data.User {
	w.t.Helper()
	hash, err := hashed()
	must(w.t, err)
	u, err := w.store.CreateUser(w.t.Context(), data.User{Email: email, PasswordHash: string(hash)}, data.InvitationHash{})
	must(w.t, err)
	return u
}

// browser keeps cookies, and shows one page.
type browser struct {
	w      *world
	jar    *cookiejar.Jar
	agent  string
	accept string

	url     string // of the page, with its query
	status  int
	header  http.Header
	body    string
	visited []string // by redirects, since the last request
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	return &browser{w: w, jar: jar, agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
}

func (b *browser) do(method, to string, form url.Values, headers ...string) *browser {
	b.w.t.Helper()
	u, err := url.Parse(origin)
	must(b.w.t, err)
	if u, err = u.Parse(to); err != nil {
		b.w.t.Fatal(err)
	}
	r := httptest.NewRequest(method, u.String(), strings.NewReader(form.Encode()))
	r.Header.Set("User-Agent", b.agent)
	r.Header.Set("Accept-Language", b.accept)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.jar.Cookies(u) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	b.w.echo.ServeHTTP(rec, r)
	b.jar.SetCookies(u, rec.Result().Cookies())
	b.url, b.status, b.header, b.body = u.RequestURI(), rec.Code, rec.Header(), rec.Body.String()
	if rec.Code/100 == 3 {
		to := rec.Header().Get("Location")
		b.visited = append(b.visited, to)
		if strings.HasPrefix(to, "/auth/oauth2/") || len(b.visited) > 5 {
			return b
		}
		return b.do(http.MethodGet, to, nil)
	}
	return b
}

// open goes to a page.
func (b *browser) open(to string) *browser {
	b.w.t.Helper()
	b.visited = nil
	return b.do(http.MethodGet, to, nil)
}

// field is an input or a button of a form.
type field struct{ name, value string }

// form is a form of the page.
type form struct {
	action  string
	fields  url.Values // what is sent if nothing is changed
	buttons []field
}

func (b *browser) forms() (list []form) {
	b.w.t.Helper()
	root, err := html.Parse(strings.NewReader(b.body))
	must(b.w.t, err)
	get := func(n *html.Node, name string) string {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	for n := range root.Descendants() {
		if n.Data != "form" {
			continue
		}
		f := form{action: get(n, "action"), fields: url.Values{}}
		for e := range n.Descendants() {
			switch {
			case e.Data == "input":
				f.fields.Set(get(e, "name"), get(e, "value"))
			case e.Data == "button" && get(e, "type") != "button":
				f.buttons = append(f.buttons, field{get(e, "name"), get(e, "value")})
			}
		}
		list = append(list, f)
	}
	return list
}

// submit sends the form of the page that goes to the path, with the fields
// given as pairs in it; a field of a button presses it.
func (b *browser) submit(path string, pairs ...string) *browser {
	b.w.t.Helper()
	for _, f := range b.forms() {
		if f.action == "/auth"+path {
			for i := 0; i < len(pairs); i += 2 {
				f.fields.Set(pairs[i], pairs[i+1])
			}
			b.visited = nil
			return b.do(http.MethodPost, f.action, f.fields)
		}
	}
	b.w.t.Fatalf("no form goes to %s; the page is %d %s\n%s", path, b.status, b.url, b.body)
	return nil
}

// sees fails unless the page is at the path, with the status and the words.
func (b *browser) sees(path string, status int, words ...string) *browser {
	b.w.t.Helper()
	if at, _, _ := strings.Cut(b.url, "?"); at != "/auth"+path || b.status != status {
		b.w.t.Fatalf("the page is %d %s, not %d %s\n%s", b.status, b.url, status, path, b.text())
	}
	for _, word := range words {
		if !strings.Contains(b.text(), word) {
			b.w.t.Fatalf("the page does not say %q:\n%s", word, b.text())
		}
	}
	return b
}

// text is what a person reads.
func (b *browser) text() string {
	root, err := html.Parse(strings.NewReader(b.body))
	must(b.w.t, err)
	var s strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			s.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(s.String()), " ")
}

// signIn signs the person in, from nothing.
func (b *browser) signIn(email string) *browser {
	b.w.t.Helper()
	b.open("/auth/sign-in?add=1").submit("/sign-in", "email", email, "password", password)
	return b.sees("/account", 200, email)
}

// hash is how the sessions know this browser.
func (b *browser) hash() data.Hash {
	b.open("/auth/sign-in?add=1")
	u, _ := url.Parse(origin + "/auth/")
	r := httptest.NewRequest(http.MethodGet, issuer+"/", nil)
	for _, c := range b.jar.Cookies(u) {
		r.AddCookie(c)
	}
	return b.w.sessions.Browser(httptest.NewRecorder(), r)
}

// asks stores an authorization request of the browser, and gives its handle.
func (b *browser) asks(client string, params ...string) string {
	b.w.t.Helper()
	handle, hash, err := b.w.store.NewSecret("signet_rq_")
	must(b.w.t, err)
	r := data.Request{Hash: hash, Client: client, Browser: b.hash(), Params: map[string][]string{
		"client_id": {client}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {"https://notes.example.com/callback"}, "code_challenge_method": {"S256"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
	}, CreatedAt: b.w.clock(), ExpiresAt: b.w.clock().Add(time.Hour)}
	for i := 0; i < len(params); i += 2 {
		r.Params[params[i]] = []string{params[i+1]}
	}
	must(b.w.t, b.w.store.Requests.Create(b.w.t.Context(), r))
	return handle
}

// request is what is noted of a request.
func (w *world) request(handle string) data.Request {
	w.t.Helper()
	r, err := w.store.Requests.Get(w.t.Context(), data.HashOf(handle))
	must(w.t, err)
	return r
}

// goesBack fails unless the browser was sent back to the authorization request.
func (b *browser) goesBack(handle string) {
	b.w.t.Helper()
	if want := "/auth/oauth2/authorize/continue?request=" + handle; len(b.visited) != 1 || b.visited[0] != want {
		b.w.t.Fatalf("the browser went to %v, not to %s\n%d %s", b.visited, want, b.status, b.text())
	}
}

func newResponse(w *world) *echo.Response { return echo.NewResponse(httptest.NewRecorder(), w.echo) }

// jarText is all that the browser would send.
func (b *browser) jarText() string {
	u, _ := url.Parse(origin + "/auth/")
	var s strings.Builder
	for _, c := range b.jar.Cookies(u) {
		s.WriteString(c.String() + "\n")
	}
	return s.String()
}
