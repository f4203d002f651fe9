//go:build unix

package postgres

import (
	"errors"
	"net"
	"syscall"
)

// quiet says whether an idle connection is as it should be: open, and with
// nothing to read. A server that went away has said so, and what is sent after
// that would be lost without an answer.
func quiet(c net.Conn) bool {
	for {
		around, ok := c.(interface{ NetConn() net.Conn }) // TLS, for one
		if !ok {
			break
		}
		c = around.NetConn()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	nothing := false
	// Not raw.Read: it would wait for a reader that pgx may have left behind
	// after a long write.
	err = raw.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		nothing = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && nothing
}
