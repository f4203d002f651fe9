//go:build engines && unix

package postgres

import (
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between an engine and its server. It counts flights: a client
// that sends after it was answered begins one.
type proxy struct {
	t       *testing.T
	flights atomic.Int64
	// lose cuts each connection when the next answer comes, which is lost.
	lose atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
}

// through starts a proxy until the test ends and returns the DSN by which the
// server is reached through it.
func through(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t}
	server := u.Host
	u.Host = l.Addr().String()
	t.Cleanup(func() { _ = l.Close(); p.cut() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.keep(client, behind)
			go p.pass(client, behind)
		}
	}()
	return p, u.String()
}

func (p *proxy) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conns...)
}

// cut ends every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func (p *proxy) pass(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	var answered atomic.Bool
	answered.Store(true)
	go func() {
		defer client.Close()
		defer server.Close()
		for b := make([]byte, 1<<16); ; {
			n, err := server.Read(b)
			if err != nil || p.lose.Load() {
				return
			}
			answered.Store(true)
			if _, err := client.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	for b := make([]byte, 1<<16); ; {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		if answered.Swap(false) {
			p.flights.Add(1)
		}
		if _, err := server.Write(b[:n]); err != nil {
			return
		}
	}
}
