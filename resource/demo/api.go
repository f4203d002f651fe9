package main

import (
	"embed"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"signet/resource"
)

// The page that is served at /: whatever lies in page/.
//
//go:embed page
var files embed.FS

// maxRequest bounds a request's body, in bytes.
const maxRequest = 16 << 10

// api answers the demo's requests.
type api struct {
	verifier *resource.Verifier
	settings settings
	posts    *board
}

func newAPI(v *resource.Verifier, s settings) http.Handler {
	a := &api{verifier: v, settings: s, posts: newBoard()}
	signedIn, admin := v.Middleware, v.RequireRole("admin")
	mux := http.NewServeMux()
	mux.Handle("GET /posts", signedIn(http.HandlerFunc(a.listPosts)))
	mux.Handle("POST /posts", signedIn(http.HandlerFunc(a.addPost)))
	mux.Handle("GET /protected", signedIn(http.HandlerFunc(a.protected)))
	mux.Handle("GET /admin", admin(http.HandlerFunc(a.admin)))
	mux.Handle("GET "+v.MetadataPath(), v.Metadata())
	mux.Handle("OPTIONS "+v.MetadataPath(), v.Metadata())
	mux.HandleFunc("GET /healthz", a.health)
	mux.HandleFunc("GET /config.json", a.config)
	mux.Handle("GET /", a.page())
	mux.HandleFunc("/", notAllowed)
	return a.secure(a.shared(mux))
}

// shared lets the page of one other origin call the API. It needs no cookies
// for it, only a token, which that page must have got by itself.
func (a *api) shared(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if a.settings.origin == "" || r.Header.Get("Origin") != a.settings.origin {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", a.settings.origin)
		h.Set("Access-Control-Expose-Headers", "WWW-Authenticate")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		// The question that a browser asks first: Fetch, section 4.8.
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}

// secure sets the headers that every answer has. The page may run its own
// scripts, talk to this server and to the issuer, and nothing else; and no
// script of it makes markup from a string.
func (a *api) secure(next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' " +
		origin(a.settings.issuer) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// origin is the part of a URL that a policy names; the Verifier has checked
// that the issuer is a URL.
func origin(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return "'self'"
	}
	return u.Scheme + "://" + u.Host
}

func (a *api) listPosts(w http.ResponseWriter, r *http.Request) {
	t, _ := resource.FromContext(r.Context())
	answer(w, http.StatusOK, map[string][]post{"posts": a.posts.of(t.Subject())})
}

func (a *api) addPost(w http.ResponseWriter, r *http.Request) {
	t, _ := resource.FromContext(r.Context())
	var in struct {
		Text *string `json:"text"`
	}
	if status, problem := read(w, r, &in); problem != "" {
		refuse(w, status, "invalid_request", problem)
		return
	}
	switch {
	case in.Text == nil || strings.TrimSpace(*in.Text) == "":
		refuse(w, http.StatusBadRequest, "invalid_request", "text is missing or empty")
	case len(*in.Text) > maxText:
		refuse(w, http.StatusBadRequest, "invalid_request", "text is longer than 2000 bytes")
	case strings.ContainsRune(*in.Text, 0):
		refuse(w, http.StatusBadRequest, "invalid_request", "text holds a NUL")
	default:
		answer(w, http.StatusCreated, a.posts.add(t.Subject(), *in.Text, time.Now()))
	}
}

func (a *api) protected(w http.ResponseWriter, r *http.Request) {
	t, _ := resource.FromContext(r.Context())
	c := t.Claims()
	answer(w, http.StatusOK, map[string]any{
		"sub": c.Subject, "client_id": c.ClientID, "roles": append([]string{}, c.Roles...), "expires_at": t.Expiry().UTC(),
	})
}

func (a *api) admin(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"posts_by_subject": a.posts.counts()})
}

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	h := a.verifier.Health()
	status := http.StatusOK
	if !h.Ready() {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, h)
}

// config tells the page where the issuer is.
func (a *api) config(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"issuer": a.settings.issuer, "audience": a.settings.audience})
}

// page serves the embedded files, and no list of them.
func (a *api) page() http.Handler {
	dir, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	server := http.FileServerFS(dir)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = "index.html"
		}
		if info, err := fs.Stat(dir, name); err != nil || info.IsDir() {
			refuse(w, http.StatusNotFound, "not_found", "there is nothing here")
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		server.ServeHTTP(w, r)
	})
}

// notAllowed answers every method that has no route of its own.
func notAllowed(w http.ResponseWriter, r *http.Request) {
	allow := "GET, HEAD"
	if r.URL.Path == "/posts" {
		allow += ", POST"
	}
	w.Header().Set("Allow", allow)
	refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", "this is not what can be done here")
}

// read decodes a JSON body strictly: one object, no unknown or repeated
// members, bounded. A problem comes with its status.
func read(w http.ResponseWriter, r *http.Request, into any) (status int, problem string) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return http.StatusUnsupportedMediaType, "the content type must be application/json"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, "the body is too large"
	case err != nil:
		return http.StatusBadRequest, "the body broke off"
	}
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil || string(body) == "null" {
		return http.StatusBadRequest, `the body must be a JSON object like {"text":"hello"}, and nothing else`
	}
	return 0, ""
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	answer(w, status, map[string]string{"error": code, "error_description": description})
}

func answer(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n')) // who has gone does not read it
}
