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
	Down       bool   // nobody answers
	NoLongPoll bool   // Prefer is not known
	NoMetadata bool   // RFC 8414 is not known, OpenID discovery is
	Issuer     string // the name in the metadata, where it lies
	JWKSURI    string // the same
	MaxAge     int    // seconds; 0: 600
	// Override answers in place of the issuer if it returns true.
	Override func(w http.ResponseWriter, r *http.Request) bool
}

// Set changes the knobs.
func (i *Issuer) Set(change func(*Knobs)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.knobs)
}

// Fetches is how often path was asked for.
func (i *Issuer) Fetches(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches[path]
}

// ServeHTTP answers like an issuer.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.fetches[r.URL.Path]++
	k := i.knobs
	i.mu.Unlock()
	if k.Override != nil && k.Override(w, r) {
		return
	}
	switch {
	case r.URL.Path == MetadataPath && !k.NoMetadata, r.URL.Path == OpenIDPath:
		i.serveMetadata(w, k)
	case r.URL.Path == JWKSPath:
		i.serveJWKS(w, r, k)
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
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(m)
}

func (i *Issuer) serveJWKS(w http.ResponseWriter, r *http.Request, k Knobs) {
	i.mu.Lock()
	body, etag := i.jwks()
	changed := i.changed
	i.mu.Unlock()
	h := w.Header()
	maxAge := 600
	if k.MaxAge > 0 {
		maxAge = k.MaxAge
	}
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(maxAge))
	same := r.Header.Get("If-None-Match") == etag
	if wait, ok := strings.CutPrefix(r.Header.Get("Prefer"), "wait="); ok && !k.NoLongPoll {
		h.Set("Cache-Control", "no-store")
		h.Set("Preference-Applied", "wait="+wait)
		if n, _ := strconv.Atoi(wait); same {
			select {
			case <-changed:
				i.mu.Lock()
				body, etag = i.jwks()
				i.mu.Unlock()
				same = false
			case <-time.After(time.Duration(n) * time.Second):
			case <-r.Context().Done():
				return
			}
		}
	}
	h.Set("ETag", etag)
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("Content-Type", "application/json")
	if same {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body)
}

// Client reaches the issuer without a network.
func (i *Issuer) Client() *http.Client { return &http.Client{Transport: i} }

// RoundTrip hands the request to ServeHTTP, and the answer back as it is
// written.
func (i *Issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	down := i.knobs.Down
	i.mu.Unlock()
	if down {
		return nil, errors.New("connection refused")
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	pr, pw := io.Pipe()
	stop := context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
	w := &responseWriter{header: make(http.Header), pipe: pw, ready: make(chan struct{})}
	go func() {
		defer cancel(nil)
		defer stop()
		i.ServeHTTP(w, r.WithContext(ctx))
		w.WriteHeader(http.StatusOK)
		_ = pw.Close()
	}()
	select {
	case <-w.ready:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: pr, Request: r, ContentLength: -1,
	}, nil
}

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
