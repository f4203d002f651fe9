package main

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httputil"
	"strings"

	"signet/resource"
)

// newProxy lets requests with a good token pass to the upstream. Paths stay as
// they were sent: a mux would clean them, and answer some itself.
func newProxy(v *resource.Verifier, s settings) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the identity is for the upstream alone
	transport.DisableCompression = true
	pass := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // streams pass as they come
		ErrorLog:      slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			slog.Warn("the upstream did not answer", "problem", err)
			http.Error(w, "the upstream did not answer", http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.resource != "" && r.URL.Path == v.MetadataPath():
			v.Metadata().ServeHTTP(w, r)
			return
		case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
			// One would open a tunnel, the other show what only the upstream
			// may see (RFC 9110 sections 9.3.6 and 9.3.8).
			http.Error(w, "the method is not supported", http.StatusNotImplemented)
			return
		}
		r, said, ok := admit(v, w, r, s.need)
		if !ok {
			return
		}
		if r.Header.Get("Upgrade") != "" {
			// Such a connection has no end of its own.
			t, _ := resource.FromContext(r.Context())
			ctx, cancel := v.Lifetime(r.Context(), t)
			defer cancel()
			r = r.WithContext(ctx)
		}
		one := *pass
		one.Rewrite = rewrite(s, said)
		one.ServeHTTP(w, r)
	})
}

// rewrite makes the request that the upstream gets. It comes after the headers
// that Connection names were taken away (RFC 9110 section 7.6.1), so a client
// cannot name ours there.
func rewrite(s settings, said http.Header) func(*httputil.ProxyRequest) {
	return func(p *httputil.ProxyRequest) {
		p.SetURL(s.upstream)
		p.SetXForwarded()
		if !s.keep {
			p.Out.Header.Del("Authorization")
			p.Out.Header.Del("DPoP")
		}
		if !strings.EqualFold(p.Out.Header.Get("Upgrade"), "websocket") {
			// Another protocol, such as HTTP/2 (h2c), would be a tunnel through
			// which requests come that nobody here has seen. To ignore it is
			// allowed (RFC 9110 section 7.8).
			p.Out.Header.Del("Upgrade")
			p.Out.Header.Del("Connection")
		}
		p.Out.Trailer = nil // some programs read a trailer as one more header
		strip(p.Out.Header)
		maps.Copy(p.Out.Header, said)
	}
}
