package authorize

import (
	"crypto/sha256"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/dpop"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/par"
	"signet/idp/internal/request/requesttest"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
	"signet/keys"
)

const (
	issuer   = requesttest.Issuer
	verifier = "a-verifier-of-at-least-43-characters-0123456789"
)

var challenge = func() string {
	sum := sha256.Sum256([]byte(verifier))
	return requesttest.B64(sum[:])
}()

// world is an issuer with its authorization endpoints, and two people.
type world struct {
	*requesttest.World
	t        testing.TB
	echo     *echo.Echo
	api      *API
	sessions *session.Service
	grants   *grant.Service
	ann, bob data.User
}

func newWorld(t testing.TB, settings ...string) *world {
	t.Helper()
	w := &world{World: requesttest.New(t, strings.Join(settings, "\n")), t: t}
	u, err := url.Parse(issuer)
	w.must(err)
	c := w.Config
	w.sessions = session.New(session.Options{Store: w.Store, Secret: w.Secret, Issuer: u, Idle: c.Sessions.Idle, Max: c.Sessions.Max, Now: w.Now, Logger: slog.New(slog.DiscardHandler)})
	w.grants, err = grant.New(grant.Options{Store: w.Store, MACs: w.MACs, Secret: w.Secret, Now: w.Now,
		Refused: func(err error) bool { return errors.Is(err, keys.ErrMACMismatch) },
		Policy:  grant.Policy{TTL: c.Tokens.RefreshTTL, Max: c.Tokens.RefreshMax, Grace: c.Tokens.RefreshGrace}})
	w.must(err)
	var profiles []mint.Profile
	for _, a := range c.Audiences {
		profiles = append(profiles, mint.Profile{Audience: a.Name, Alg: c.Alg(a), TTL: c.AccessTTL(a)})
	}
	api := New(Options{
		Issuer: issuer, Store: w.Store, Clients: w.Registry, Requests: w.Parser, Sessions: w.sessions, Grants: w.grants,
		Mint:  mint.New(mint.Options{Issuer: issuer, Ring: w.Ring, Profiles: profiles, Now: w.Now}),
		Pages: plainPages{}, Limiter: free{}, RequestTTL: c.Tokens.RequestTTL, CodeTTL: c.Tokens.CodeTTL, IDTTL: c.Tokens.IDTTL, Now: w.Now,
	})
	proofs, err := dpop.New(dpop.Options{Replays: w.Store, Key: make([]byte, 32), Now: w.Now})
	w.must(err)
	push := par.New(par.Options{Issuer: issuer, Store: w.Store, Clients: w.Registry, Requests: w.Parser, Proofs: proofs, Limiter: free{}, TTL: c.Tokens.PushedTTL, Now: w.Now})
	w.api = api
	w.echo = echo.New()
	w.echo.HTTPErrorHandler = writeError
	w.echo.GET("/oauth2/authorize", api.Authorize)
	w.echo.HEAD("/oauth2/authorize", api.Authorize)
	w.echo.POST("/oauth2/authorize", api.Authorize)
	w.echo.GET(pathContinue, api.Continue)
	w.echo.HEAD(pathContinue, api.Continue)
	w.echo.POST(par.Path, push.Push)
	w.ann, w.bob = w.Person(t, "ann@example.com"), w.Person(t, "bob@example.com")
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// free lets everybody begin as much as they like.
type free struct{}

func (free) TryRequest(netip.Addr, int) error { return nil }

// writeError plays the one place that writes errors.
func writeError(err error, c echo.Context) {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = &wire.Error{Status: http.StatusInternalServerError, Code: wire.CodeServerError, Description: err.Error()}
	}
	_ = c.JSON(e.Status, map[string]string{"error": e.Code, "error_description": e.Description})
}

// plainPages shows the form of a form_post answer.
type plainPages struct{}

func (plainPages) FormPost(c echo.Context, redirectURI string, values url.Values) error {
	page := `<form method="post" action="` + html.EscapeString(redirectURI) + `">`
	for name := range values {
		page += "\n" + `<input name="` + html.EscapeString(name) + `" value="` + html.EscapeString(values.Get(name)) + `">`
	}
	return c.HTML(http.StatusOK, page)
}

// browser keeps cookies as a browser does, for one host.
type browser struct {
	w   *world
	jar map[string]string
}

func (w *world) browser() *browser { return &browser{w, map[string]string{}} }

// signedIn is a browser with people in it, the last one first.
func (w *world) signedIn(people ...data.User) *browser {
	w.t.Helper()
	b := w.browser()
	for _, p := range people {
		b.signIn(p)
	}
	return b
}

func (b *browser) signIn(user data.User) session.Account {
	b.w.t.Helper()
	rec := httptest.NewRecorder()
	account, _, err := b.w.sessions.SignIn(b.w.t.Context(), rec, b.with(httptest.NewRequest(http.MethodPost, "/sign-in", nil)), user, []string{"pwd"})
	b.w.must(err)
	b.take(rec.Result())
	return account
}

func (b *browser) signOut() {
	b.w.t.Helper()
	rec := httptest.NewRecorder()
	_, err := b.w.sessions.SignOut(b.w.t.Context(), rec, b.with(httptest.NewRequest(http.MethodPost, "/sign-out", nil)), "")
	b.w.must(err)
	b.take(rec.Result())
}

func (b *browser) with(r *http.Request) *http.Request {
	for name, value := range b.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func (b *browser) take(res *http.Response) {
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.jar, c.Name)
		} else {
			b.jar[c.Name] = c.Value
		}
	}
}

// copy is the same browser for a request of its own.
func (b *browser) copy() *browser {
	other := b.w.browser()
	for k, v := range b.jar {
		other.jar[k] = v
	}
	return other
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
	to     *url.URL   // Location
	client url.Values // what the client is told, however it gets there
	mode   string
	code   string // of an error for the person
}

func (b *browser) get(target string) answer {
	b.w.t.Helper()
	return b.send(httptest.NewRequest(http.MethodGet, target, nil))
}

// authorize sends a request with the parameters.
func (b *browser) authorize(params url.Values) answer {
	b.w.t.Helper()
	return b.get("/oauth2/authorize?" + params.Encode())
}

// post sends a form from another site: no cookie goes along.
func (b *browser) post(params url.Values) answer {
	b.w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/oauth2/authorize", strings.NewReader(params.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	b.w.echo.ServeHTTP(rec, r)
	b.take(rec.Result())
	return b.w.read(rec)
}

func (b *browser) send(r *http.Request) answer {
	b.w.t.Helper()
	rec := httptest.NewRecorder()
	b.w.echo.ServeHTTP(rec, b.with(r))
	b.take(rec.Result())
	return b.w.read(rec)
}

func (w *world) read(rec *httptest.ResponseRecorder) answer {
	w.t.Helper()
	a := answer{t: w.t, status: rec.Code, header: rec.Header(), body: rec.Body.String(), client: url.Values{}}
	if location := rec.Header().Get("Location"); location != "" {
		var err error
		a.to, err = url.Parse(location)
		w.must(err)
		if a.to.Host != "" || a.to.Opaque != "" || a.to.Scheme != "" {
			a.mode, a.client = "query", a.to.Query()
			if a.to.Fragment != "" {
				a.mode = "fragment"
				_, fragment, _ := strings.Cut(location, "#")
				a.client, err = url.ParseQuery(fragment)
				w.must(err)
			}
		}
	}
	switch body := rec.Body.String(); {
	case strings.HasPrefix(body, "<form"):
		a.mode = "form_post"
		for _, line := range strings.Split(body, "\n")[1:] {
			var name, value string
			name, value, _ = strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, `<input name="`), `">`), `" value="`)
			a.client.Set(html.UnescapeString(name), html.UnescapeString(value))
		}
	case strings.HasPrefix(body, "{"):
		var e struct {
			Error string `json:"error"`
		}
		w.must(json.Unmarshal([]byte(body), &e))
		a.code = e.Error
	}
	return a
}

// page fails unless the person is sent to the page, and returns the handle.
func (a answer) page(path string) string {
	a.t.Helper()
	if a.status != http.StatusSeeOther || a.to == nil || a.to.Path != path || a.to.Host != "" {
		a.t.Fatalf("got %d %v %s, want %s", a.status, a.to, a.body, path)
	}
	return a.to.Query().Get("request")
}

// told fails unless the client gets the error, and returns the answer.
func (a answer) told(code string) answer {
	a.t.Helper()
	if a.mode == "" || a.client.Get("error") != code || a.client.Get("iss") != issuer {
		a.t.Fatalf("got %d %v %s, want the client to be told %s", a.status, a.to, a.body, code)
	}
	for _, secret := range []string{"code", "access_token", "id_token"} {
		if a.client.Has(secret) {
			a.t.Fatalf("there is a %s beside an error: %v", secret, a.client)
		}
	}
	return a
}

// shown fails unless the person alone is told of the error.
func (a answer) shown(code string) {
	a.t.Helper()
	if a.mode != "" || a.to != nil || a.status < 400 || a.code != code {
		a.t.Fatalf("got %d %v %s, want a page with %s", a.status, a.to, a.body, code)
	}
}

// gave fails unless the client gets a code, and returns it.
func (a answer) gave() string {
	a.t.Helper()
	code := a.client.Get("code")
	if a.mode == "" || code == "" || a.client.Has("error") || a.client.Get("iss") != issuer {
		a.t.Fatalf("got %d %v %s, want a code", a.status, a.to, a.body)
	}
	return code
}

// The pages, as far as they matter here: they note what the person does.

func (b *browser) change(handle string, fn func(r *data.Request)) {
	b.w.t.Helper()
	b.w.must(b.w.Store.Requests.Change(b.w.t.Context(), data.HashOf(handle), func(r *data.Request) data.Change {
		fn(r)
		return data.Save
	}))
}

func (b *browser) signInFor(handle string, user data.User) {
	b.w.t.Helper()
	account := b.signIn(user)
	b.change(handle, func(r *data.Request) { r.Choose(account.ID); r.SignedIn = b.w.Now() })
}

func (b *browser) choose(handle, account string) {
	b.w.t.Helper()
	b.change(handle, func(r *data.Request) { r.Choose(account) })
}

func (b *browser) allow(handle, scope string) {
	b.w.t.Helper()
	b.change(handle, func(r *data.Request) { r.Consented, r.Scope = true, scope })
}

func (b *browser) goOn(handle string) answer {
	b.w.t.Helper()
	return b.get(pathContinue + "?" + url.Values{"request": {handle}}.Encode())
}

// stored is the code as the store has it.
func (w *world) stored(code string) data.Code {
	w.t.Helper()
	c, err := w.Store.Codes.Get(w.t.Context(), data.HashOf(code))
	w.must(err)
	return c
}

// push pushes a request as a client with a secret.
func (w *world) push(id string, params url.Values, headers ...string) (answer, string) {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, issuer+par.Path, strings.NewReader(params.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(requesttest.Secret))
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	raw, _ := io.ReadAll(rec.Result().Body)
	var in struct {
		RequestURI string `json:"request_uri"`
	}
	w.must(json.Unmarshal(raw, &in))
	return w.read(rec), in.RequestURI
}

// asks are the parameters of a good request of a client, with changes: pairs
// of a name and a value, "" taking the parameter away.
func asks(client string, changes ...string) url.Values {
	v := url.Values{"client_id": {client}, "response_type": {"code"}, "redirect_uri": {"https://" + client + ".example.com/cb"},
		"scope": {"openid posts"}, "state": {"the state"}, "nonce": {"n-1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	for i := 0; i < len(changes); i += 2 {
		if v.Del(changes[i]); changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return v
}
