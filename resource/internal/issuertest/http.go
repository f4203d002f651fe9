package issuertest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The paths that an Issuer answers on.
const (
	MetadataPath = "/.well-known/oauth-authorization-server"
	OpenIDPath   = "/.well-known/openid-configuration"
	JWKSPath     = "/.well-known/jwks.json"
)

// Knobs make an Issuer behave otherwise.
type Knobs struct {
	Down       bool     // nobody answers, and who waits for an answer gets none
	NoLongPoll bool     // Prefer is not known
	NoMetadata bool     // RFC 8414 is not known, OpenID discovery is
	Issuer     string   // the name in the metadata, where it lies
	JWKSURI    string   // the same
	MaxAge     int      // seconds; 0: 600
	ListsURI   string   // the place of all lists in the metadata, where it lies
	AlsoListed []string // further lists that are announced
	// Override answers in place of the issuer if it returns true.
	Override func(w http.ResponseWriter, r *http.Request) bool
}

// Set changes the knobs.
func (i *Issuer) Set(change func(*Knobs)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	was := i.knobs.Down
	change(&i.knobs)
	if i.knobs.Down && !was {
		close(i.down)
	} else if was && !i.knobs.Down {
		i.down = make(chan struct{})
	}
}

// Fetches is how often path was asked for.
func (i *Issuer) Fetches(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches[path]
}

// ServeHTTP answers like an issuer, or breaks the connection.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	k := i.knobs
	if !k.Down {
		i.fetches[r.URL.Path]++
	}
	i.mu.Unlock()
	if k.Down {
		panic(http.ErrAbortHandler)
	}
	if k.Override != nil && k.Override(w, r) {
		return
	}
	switch {
	case r.URL.Path == MetadataPath && !k.NoMetadata, r.URL.Path == OpenIDPath:
		i.serveMetadata(w, k)
	case r.URL.Path == JWKSPath:
		i.serve(w, r, k, "application/json", i.jwks)
	case strings.HasPrefix(r.URL.Path, ListsPath):
		i.serveLists(w, r, k)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) serveMetadata(w http.ResponseWriter, k Knobs) {
	m := map[string]any{"issuer": i.URL, "jwks_uri": i.URL + JWKSPath, "response_types_supported": []string{}}
	if k.Issuer != "" {
		m["issuer"] = k.Issuer
	}
	if k.JWKSURI != "" {
		m["jwks_uri"] = k.JWKSURI
	}
	i.mu.Lock()
	if i.listsNamed {
		m["status_list_aggregation_endpoint"] = i.URL + ListsPath
	}
	i.mu.Unlock()
	if k.ListsURI != "" {
		m["status_list_aggregation_endpoint"] = k.ListsURI
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(m)
}

// serve answers with what read finds under the lock; an empty ETag is 404.
func (i *Issuer) serve(w http.ResponseWriter, r *http.Request, k Knobs, typ string, read func() (body []byte, etag string)) {
	i.mu.Lock()
	body, etag := read()
	changed, down := i.changed, i.down
	i.mu.Unlock()
	h := w.Header()
	h.Set("Cache-Control", k.cacheControl())
	if wait, ok := strings.CutPrefix(r.Header.Get("Prefer"), "wait="); ok && !k.NoLongPoll {
		h.Set("Cache-Control", "no-store")
		h.Set("Preference-Applied", "wait="+wait)
		n, _ := strconv.Atoi(wait)
		over := time.After(time.Duration(n) * time.Second)
		for waiting := true; waiting && r.Header.Get("If-None-Match") == etag; {
			select {
			case <-changed:
				i.mu.Lock()
				body, etag = read()
				changed = i.changed
				i.mu.Unlock()
			case <-over:
				waiting = false
			case <-down:
				panic(http.ErrAbortHandler)
			case <-r.Context().Done():
				return
			}
		}
	}
	if etag == "" {
		http.NotFound(w, r)
		return
	}
	h.Set("ETag", etag)
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("Content-Type", typ)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body)
}

func (k Knobs) cacheControl() string {
	maxAge := 600
	if k.MaxAge > 0 {
		maxAge = k.MaxAge
	}
	return "public, max-age=" + strconv.Itoa(maxAge)
}

// Client reaches the issuer without a network.
func (i *Issuer) Client() *http.Client { return &http.Client{Transport: i} }

// RoundTrip hands the request to ServeHTTP, and the answer back as it is
// written.
func (i *Issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	pr, pw := io.Pipe()
	stop := context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
	w := &responseWriter{header: make(http.Header), pipe: pw, ready: make(chan struct{})}
	broken := make(chan struct{})
	go func() {
		defer cancel(nil)
		defer stop()
		defer func() {
			if p := recover(); p == http.ErrAbortHandler { // as a server does with it
				_ = pw.CloseWithError(errBroken)
				close(broken)
			} else if p != nil {
				panic(p)
			}
		}()
		i.ServeHTTP(w, r.WithContext(ctx))
		w.WriteHeader(http.StatusOK)
		_ = pw.Close()
	}()
	select {
	case <-w.ready:
	case <-broken:
		return nil, errBroken
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: pr, Request: r, ContentLength: -1,
	}, nil
}

var errBroken = errors.New("connection refused")

type responseWriter struct {
	header, sent http.Header
	pipe         *io.PipeWriter
	once         sync.Once
	status       int
	ready        chan struct{}
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}
