//go:build crash

package prove

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// fault is a way in which a line can be broken.
type fault string

const (
	whole     fault = ""
	refuses   fault = "refuses every connection, and ends those that are open"
	stalls    fault = "takes connections and what is sent, and says nothing; what it kept arrives when it is mended"
	halfOpen  fault = "brings requests to the issuer, and never an answer back, without ending a connection"
	breaksOff fault = "ends every answer a few bytes before its end"
	delays    fault = "brings every answer late"
)

// late is how late the answers of delays are: longer than the resource servers
// here go on without a word.
const late = 4 * time.Second

// line lies between a resource server and the issuer.
type line struct {
	to       string
	listener net.Listener
	dialer   net.Dialer

	mu      sync.Mutex
	fault   fault
	changed chan struct{} // closed when the fault changes
	open    map[net.Conn]bool
}

// newLine leads to the address until the test ends.
func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{to: to, listener: listener, changed: make(chan struct{}), open: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.carry(c) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.breakDown(refuses)
		all.Wait()
	})
	return l
}

// dial is for the transport of a resource server.
func (l *line) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.dialer.DialContext(ctx, "tcp", l.listener.Addr().String())
}

// breakDown gives the line a fault, or mends it. When it returns, no byte that
// the fault holds back is on its way any more, but for what the kernel has.
func (l *line) breakDown(f fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == refuses {
		l.end()
	}
	l.fault = f
	close(l.changed)
	l.changed = make(chan struct{})
}

// end closes all connections; l.mu is held.
func (l *line) end() {
	for c := range l.open {
		_ = c.(*net.TCPConn).SetLinger(0) // a reset, as a firewall sends one
		_ = c.Close()
	}
}

func (l *line) state() (fault, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault, l.changed
}

// keep notes an open connection, and refuses it where the line does.
func (l *line) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = true
	if l.fault == refuses {
		l.end()
		return false
	}
	return true
}

func (l *line) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	_ = c.Close()
}

// carry moves bytes between a resource server and the issuer until one of them
// has enough.
func (l *line) carry(near net.Conn) {
	defer l.drop(near)
	if !l.keep(near) {
		return
	}
	far, err := l.dialer.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer l.drop(far)
	if !l.keep(far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { defer near.Close(); defer far.Close(); l.requests(near, far) })
	both.Go(func() { defer near.Close(); defer far.Close(); l.answers(far, near) })
	both.Wait()
}

func (l *line) requests(near, far net.Conn) {
	chunk := make([]byte, 64<<10)
	for {
		n, err := near.Read(chunk)
		if err != nil {
			return
		}
		for f, changed := l.state(); f == stalls; f, changed = l.state() {
			<-changed
		}
		if _, err := far.Write(chunk[:n]); err != nil {
			return
		}
	}
}

func (l *line) answers(far, near net.Conn) {
	chunk := make([]byte, 64<<10)
	dead := false // nothing is heard of this connection any more
	for {
		n, err := far.Read(chunk)
		if err != nil {
			return
		}
		f, changed := l.state()
		for ; f == stalls; f, changed = l.state() {
			<-changed
		}
		dead = dead || f == halfOpen
		switch {
		case dead:
			continue
		case f == breaksOff:
			_, _ = near.Write(chunk[:max(n-10, 0)])
			return
		case f == delays:
			<-time.After(late)
		}
		if _, err := near.Write(chunk[:n]); err != nil {
			return
		}
	}
}
