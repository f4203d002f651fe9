package signin

import "golang.org/x/sys/unix"

// yieldToOthers puts the calling thread behind the others of the process: on
// Linux a nice value belongs to a thread (setpriority(2), "C library/kernel
// differences"), and everyone may raise their own. It is a favour to the
// rest; if the kernel declines, nothing is lost but that.
func yieldToOthers() { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, 10) }
