package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// The bounds of one exchange.
const (
	maxBody    = 64 << 10 // bytes of an answer
	maxHeader  = 16 << 10 // bytes of its header
	allTimeout = 5 * time.Second
)

// Options are what a Fetcher is made of. The zero value reaches the public
// network.
type Options struct {
	// Allow are addresses that may be reached although they are not public, at
	// any port and without TLS: a setting of the operator for development and
	// for networks of their own.
	Allow []netip.Prefix

	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // nil: slog.Default
	RootCAs  *x509.CertPool   // nil: the system's
	Resolver *net.Resolver    // nil: the system's
}

// Fetcher fetches. It is safe for use by many at once.
type Fetcher struct {
	allow   []netip.Prefix
	now     func() time.Time
	logger  *slog.Logger
	timeout time.Duration
	clients map[string]*http.Client // by scheme
	room    *room
	cache   *cache
}

// New makes a Fetcher.
func New(o Options) *Fetcher {
	f := &Fetcher{allow: o.Allow, now: o.Now, logger: o.Logger, timeout: allTimeout, room: newRoom(), cache: newCache()}
	if f.now == nil {
		f.now = time.Now
	}
	if f.logger == nil {
		f.logger = slog.Default()
	}
	f.clients = map[string]*http.Client{"https": f.client(o, true), "http": f.client(o, false)}
	return f
}

// client makes the client of one scheme: each has its own rule about addresses.
// No connection is kept: what is asked for again comes out of the cache, and
// each connection is one check of its address.
func (f *Fetcher) client(o Options, secure bool) *http.Client {
	dialer := &net.Dialer{Resolver: o.Resolver, Control: f.control(secure), Timeout: allTimeout}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would connect where we must not
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout:    allTimeout,
			DisableCompression:     true, // a small answer stays small
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Document is what a URL gave. Its body is shared: it is not to be changed.
type Document struct {
	Body      []byte // at most 64 KiB
	MediaType string // in lower case, without parameters; empty if none was said
	FetchedAt time.Time
}

// Get returns the document at a URL, out of the cache while it may: between a
// minute and a day as its Cache-Control says, five minutes where it says
// nothing. A failure is remembered, too. With fresh, a copy is asked for again,
// once in 30 seconds: for a key that it should have and has not. If that
// fails, the copy is returned. The error is an *Error, or that of ctx.
func (f *Fetcher) Get(ctx context.Context, rawURL, accept string, fresh bool) (Document, error) {
	u, refused := f.check(rawURL)
	if refused != nil {
		return Document{}, refused
	}
	key := accept + "\n" + rawURL
	known, call, first := f.cache.look(key, f.now(), fresh)
	switch {
	case call == nil && known == nil:
		return Document{}, &Error{Reason: Busy, Host: u.Host}
	case call == nil:
		return known.doc, known.failure()
	case first:
		// Others may wait for it by then: it does not end with this request.
		go f.fly(context.WithoutCancel(ctx), key, call, u, accept)
	}
	select {
	case <-call.done:
		return call.doc, call.err
	case <-ctx.Done():
		return Document{}, ctx.Err()
	}
}

// fly asks, and tells all who wait.
func (f *Fetcher) fly(ctx context.Context, key string, call *flight, u *url.URL, accept string) {
	began := f.now()
	doc, maxAge, err := f.get(ctx, u, accept)
	doc.FetchedAt = began
	if err != nil {
		f.logger.Warn("a client's document was not fetched", "reason", string(err.Reason), "host", err.Host)
	}
	f.cache.land(key, call, landed{doc: doc, maxAge: maxAge, err: err, at: f.now()})
}

func (f *Fetcher) get(ctx context.Context, u *url.URL, accept string) (doc Document, maxAge time.Duration, refused *Error) {
	header := http.Header{"Accept": {accept}}
	err := f.send(ctx, http.MethodGet, u, header, nil, func(res *http.Response) *Error {
		if res.StatusCode != http.StatusOK {
			return statusError(u.Host, res.StatusCode)
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
		switch {
		case err != nil:
			return because(u.Host, err)
		case len(body) > maxBody:
			return &Error{Reason: Size, Host: u.Host}
		}
		media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
		if err != nil {
			media = ""
		}
		doc, maxAge = Document{Body: body, MediaType: media}, lifetime(res.Header)
		return nil
	})
	return doc, maxAge, err
}

// Post sends a body, and returns the status of the answer; what else the
// answer holds is not read. Nothing is repeated. The error is an *Error, or
// that of ctx; a redirect is an error.
func (f *Fetcher) Post(ctx context.Context, rawURL, contentType string, body []byte) (status int, err error) {
	u, refused := f.check(rawURL)
	if refused != nil {
		return 0, refused
	}
	header := http.Header{"Content-Type": {contentType}}
	refused = f.send(ctx, http.MethodPost, u, header, body, func(res *http.Response) *Error {
		status = res.StatusCode
		return nil
	})
	switch {
	case refused == nil:
		return status, nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	}
	return 0, refused
}

// send makes one exchange within all bounds, and lets read have the answer.
func (f *Fetcher) send(ctx context.Context, method string, u *url.URL, header http.Header, body []byte, read func(*http.Response) *Error) *Error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if !f.room.enter(ctx, u.Host) {
		return &Error{Reason: Busy, Host: u.Host}
	}
	defer f.room.leave(u.Host)

	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return badURL("not a URL")
	}
	req.Header = header
	req.Header.Set("User-Agent", "Signet")
	res, err := f.clients[u.Scheme].Do(req)
	if err != nil {
		return because(u.Host, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return &Error{Reason: Redirect, Host: u.Host}
	}
	return read(res)
}
