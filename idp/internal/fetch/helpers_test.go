package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// server is a real TLS server, and a Fetcher that may reach it.
func server(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *Fetcher) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, New(Options{Allow: loopback, Logger: slog.New(slog.DiscardHandler), RootCAs: trust(s)})
}

func trust(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

// reasonOf checks that err is one of ours, and that it is silent about secrets.
func reasonOf(t *testing.T, err error) Reason {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, ErrRefused) {
		t.Errorf("another error: %v", err)
		return ""
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the text tells too much: %v", err)
	}
	return e.Reason
}

// roundTripper answers without a network, for tests with a clock of their own.
type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

func stubbed(o Options, answer roundTripper) *Fetcher {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	f := New(o)
	f.clients["https"].Transport = answer
	return f
}

func response(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1700000000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// resolver answers each question for an IPv4 address with the next one; the
// last one stays.
func resolver(answers ...string) *net.Resolver {
	var mu sync.Mutex
	next := func() [4]byte {
		mu.Lock()
		defer mu.Unlock()
		a := netip.MustParseAddr(answers[0]).As4()
		if len(answers) > 1 {
			answers = answers[1:]
		}
		return a
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go answer(far, next)
		return near, nil
	}}
}

// answer speaks DNS over a stream: two bytes of length before each message
// (RFC 1035, section 4.2.2).
func answer(conn net.Conn, next func() [4]byte) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		raw := make([]byte, int(length[0])<<8|int(length[1]))
		var m dnsmessage.Message
		if _, err := io.ReadFull(conn, raw); err != nil || m.Unpack(raw) != nil {
			return
		}
		m.Response, m.Additionals = true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: next()},
			}}
		}
		packed, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append([]byte{byte(len(packed) >> 8), byte(len(packed))}, packed...)); err != nil {
			return
		}
	}
}
