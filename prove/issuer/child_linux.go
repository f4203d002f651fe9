package issuer

import (
	"os/exec"
	"syscall"
)

// endWithUs gives the child a process group of its own, and makes the system
// kill it if we are killed before we could.
func endWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func (p *Process) signal(s syscall.Signal) error { return syscall.Kill(-p.PID(), s) }
