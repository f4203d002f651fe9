//go:build darwin || freebsd

package control

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// peerUID asks the kernel which user made the connection (LOCAL_PEERCRED).
func peerUID(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Xucred
	var asked error
	err = raw.Control(func(fd uintptr) {
		cred, asked = unix.GetsockoptXucred(int(fd), 0 /* SOL_LOCAL */, unix.LOCAL_PEERCRED)
	})
	if err = errors.Join(err, asked); err != nil {
		return 0, fmt.Errorf("control: who is it: %w", err)
	}
	return int(cred.Uid), nil
}
