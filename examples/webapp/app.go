package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

//go:embed page
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page/*.html"))

// app answers the browser's requests, and the issuer's.
type app struct {
	settings
	now          func() time.Time
	client       *http.Client // to the issuer and the API
	sessions     *sessions
	logoutTokens seen

	mu       sync.Mutex
	provider *provider // nil until discovered
}

func newApp(s settings, now func() time.Time) *app {
	return &app{settings: s, now: now, client: &http.Client{Timeout: 10 * time.Second}, sessions: newSessions(now)}
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", a.page(a.home))
	mux.Handle("GET /login", a.page(a.signIn))
	mux.Handle("GET /callback", a.page(a.callback))
	mux.Handle("POST /callback", a.page(a.callback))
	mux.Handle("POST /refresh", a.page(a.refresh))
	mux.Handle("POST /call", a.page(a.call))
	mux.Handle("POST /logout", a.page(a.signOut))
	mux.Handle("GET /signed-out", a.page(a.signedOut))
	mux.HandleFunc("POST /backchannel-logout", a.backChannel)
	mux.HandleFunc("GET /frontchannel-logout", a.frontChannel)
	mux.Handle("GET /style.css", a.style())

	// No other site posts here in a person's name, but for the issuer's
	// answer, which the state protects.
	guard := http.NewCrossOriginProtection()
	guard.AddInsecureBypassPattern("POST /callback")
	return guard.Handler(http.MaxBytesHandler(mux, 64<<10))
}

// failure is something that a person is told instead of the page.
type failure struct {
	status      int
	title, text string
}

func (f failure) Error() string { return f.title }

// page gives every page its headers, and turns an error into one.
func (a *app) page(show func(http.ResponseWriter, *http.Request) error) http.Handler {
	// form-action holds for the redirect after a form as well: signing out
	// leads to the issuer.
	policy := "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' " + origin(a.issuer)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // an address here may hold a code
		h.Set("Cache-Control", "no-store")
		err := show(w, r)
		if err == nil {
			return
		}
		var f failure
		if !errors.As(err, &f) {
			log.Printf("%s: %v", r.URL.Path, told(err))
			f = failure{http.StatusBadGateway, "That did not work", "The issuer is away, or it answered something unexpected. The log says more."}
		}
		a.render(w, f.status, "error.html", map[string]any{"Title": f.title, "Text": f.text})
	})
}

// told is an error without the answer of a token endpoint, which could hold
// secrets and does not belong into a log.
func told(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return fmt.Errorf("the token endpoint answered %s %q", refused.Response.Status, refused.ErrorCode)
	}
	return err
}

func (a *app) render(w http.ResponseWriter, status int, page string, data any) {
	var out strings.Builder
	if err := pages.ExecuteTemplate(&out, page, data); err != nil {
		log.Print(err)
		http.Error(w, "the page is broken", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, out.String()) // who has gone does not read it
}

// browser is the session of a browser. It begins one if there is none.
func (a *app) browser(w http.ResponseWriter, r *http.Request) string {
	if known := a.id(r); a.sessions.exists(known) {
		return known
	}
	fresh := a.sessions.create(nil, "")
	http.SetCookie(w, a.cookie(fresh))
	return fresh
}

func (a *app) home(w http.ResponseWriter, r *http.Request) error {
	browser := a.id(r)
	view := map[string]any{"Notice": a.sessions.notice(browser), "Issuer": a.issuer, "API": a.api}
	if l := a.sessions.login(browser); l != nil {
		view["Who"] = l.name()
		view["Claims"], view["UserInfo"] = rows(l.claims), rows(l.userinfo)
		view["Refresh"] = l.token.RefreshToken != ""
		view["Scope"] = l.token.Extra("scope")
		if !l.token.Expiry.IsZero() {
			view["Expires"] = l.token.Expiry.UTC().Format(time.TimeOnly)
		}
	}
	a.render(w, http.StatusOK, "home.html", view)
	return nil
}

func (a *app) signedOut(w http.ResponseWriter, _ *http.Request) error {
	a.render(w, http.StatusOK, "signed-out.html", nil)
	return nil
}

// call asks the API in the person's name.
func (a *app) call(w http.ResponseWriter, r *http.Request) error {
	browser := a.id(r)
	l := a.sessions.login(browser)
	if l != nil && !l.token.Valid() && l.token.RefreshToken != "" {
		var err error
		if l, err = a.turn(r, browser, l); err != nil && !errors.Is(err, errEnded) {
			return err
		}
	}
	if l != nil {
		answer, err := a.fetch(r.Context(), l.token)
		if err != nil {
			answer = "The API cannot be reached."
		}
		a.sessions.tell(browser, answer)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (a *app) fetch(ctx context.Context, token *oauth2.Token) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.api, nil)
	if err != nil {
		return "", err
	}
	token.SetAuthHeader(req)
	res, err := a.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 16<<10))
	return fmt.Sprintf("The API answered %s: %s", res.Status, body), err
}

func (a *app) style() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "page/style.css")
	})
}

// name is what the person is called, by the best that is known.
func (l *login) name() string {
	for _, claim := range []string{"name", "email", "preferred_username"} {
		for _, from := range []map[string]any{l.userinfo, l.claims} {
			if s, ok := from[claim].(string); ok && s != "" {
				return s
			}
		}
	}
	return l.subject
}

// row is a claim as it is shown.
type row struct{ Name, Value string }

func rows(claims map[string]any) []row {
	var list []row
	for name, value := range claims {
		text, ok := value.(string)
		if !ok {
			raw, _ := json.Marshal(value) // it came from JSON
			text = string(raw)
		}
		list = append(list, row{name, text})
	}
	slices.SortFunc(list, func(a, b row) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// secure says whether browsers reach the application by TLS.
func (s settings) secure() bool { return strings.HasPrefix(s.url, "https://") }

// origin is scheme and host of a URL, which parse has checked.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "'none'"
	}
	return u.Scheme + "://" + u.Host
}
