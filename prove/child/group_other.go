//go:build !unix

package child

import (
	"os/exec"
	"syscall"
)

func group(*exec.Cmd) {}

func (p *Process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Pause and Resume are for systems that have them.
func (p *Process) Pause()  { p.t.Skip("SKIPPED: processes cannot be paused here") }
func (p *Process) Resume() {}
