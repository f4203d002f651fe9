//go:build unix

package child

import (
	"os/exec"
	"syscall"
)

// group gives the child a process group of its own: what it starts, as "go run"
// does, ends with it.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func (p *Process) signal(s syscall.Signal) error { return syscall.Kill(-p.cmd.Process.Pid, s) }

// Pause stops it where it is, until Resume.
func (p *Process) Pause() { _ = p.signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (p *Process) Resume() { _ = p.signal(syscall.SIGCONT) }
