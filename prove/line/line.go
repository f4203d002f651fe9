package line

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Fault is a way in which a line can be broken.
type Fault string

// The faults.
const (
	Whole     Fault = ""
	Refuses   Fault = "refuses every connection, and ends those that are open"
	Stalls    Fault = "takes connections and what is sent, and says nothing; what it kept arrives when it is mended"
	HalfOpen  Fault = "brings requests, and never an answer back, without ending a connection"
	BreaksOff Fault = "ends every answer a few bytes before its end"
	Delays    Fault = "brings every answer late"
)

// Late is how late the answers of Delays are: later than the resource servers of
// package prove go on without a word.
const Late = 4 * time.Second

// Line lies between one who asks and one who answers.
type Line struct {
	to       string
	listener net.Listener
	dialer   net.Dialer

	mu      sync.Mutex
	fault   Fault
	changed chan struct{} // closed when the fault changes
	open    map[net.Conn]bool
}

// New leads to the address until the test ends.
func New(t *testing.T, to string) *Line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Line{to: to, listener: listener, changed: make(chan struct{}), open: map[net.Conn]bool{}}
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
		l.Break(Refuses)
		all.Wait()
	})
	return l
}

// Address is where it is entered.
func (l *Line) Address() string { return l.listener.Addr().String() }

// Dial is for the transport of who asks.
func (l *Line) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.dialer.DialContext(ctx, "tcp", l.Address())
}

// Break gives the line a fault, or mends it. When it returns, no byte that
// the fault holds back is on its way any more, but for what the kernel has.
func (l *Line) Break(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == Refuses {
		l.end()
	}
	l.fault = f
	close(l.changed)
	l.changed = make(chan struct{})
}

// end closes all connections; l.mu is held.
func (l *Line) end() {
	for c := range l.open {
		_ = c.(*net.TCPConn).SetLinger(0) // a reset, as a firewall sends one
		_ = c.Close()
	}
}

func (l *Line) state() (Fault, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault, l.changed
}

// keep notes an open connection, and refuses it where the line does.
func (l *Line) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = true
	if l.fault == Refuses {
		l.end()
		return false
	}
	return true
}

func (l *Line) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	_ = c.Close()
}

// carry moves bytes between the two until one of them
// has enough.
func (l *Line) carry(near net.Conn) {
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

func (l *Line) requests(near, far net.Conn) {
	chunk := make([]byte, 64<<10)
	for {
		n, err := near.Read(chunk)
		if err != nil {
			return
		}
		for f, changed := l.state(); f == Stalls; f, changed = l.state() {
			<-changed
		}
		if _, err := far.Write(chunk[:n]); err != nil {
			return
		}
	}
}

func (l *Line) answers(far, near net.Conn) {
	chunk := make([]byte, 64<<10)
	dead := false // nothing is heard of this connection any more
	for {
		n, err := far.Read(chunk)
		if err != nil {
			return
		}
		f, changed := l.state()
		for ; f == Stalls; f, changed = l.state() {
			<-changed
		}
		dead = dead || f == HalfOpen
		switch {
		case dead:
			continue
		case f == BreaksOff:
			_, _ = near.Write(chunk[:max(n-10, 0)])
			return
		case f == Delays:
			<-time.After(Late)
		}
		if _, err := near.Write(chunk[:n]); err != nil {
			return
		}
	}
}
