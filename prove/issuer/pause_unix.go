//go:build unix

package issuer

import "syscall"

// Pause stops the issuer in the middle of what it does, with its connections
// open, until Resume.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }
