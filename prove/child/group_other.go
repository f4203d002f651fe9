//go:build !unix

package child

import (
	"os/exec"
	"syscall"
)

func group(*exec.Cmd) {}

func (p *Process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }
