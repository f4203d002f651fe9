package signin

import "golang.org/x/sys/unix"

// yieldToOthers puts the calling thread behind the others of the process: on
// Linux a nice value belongs to a thread (setpriority(2), "C library/kernel
// differences"), and everyone may raise their own. It is a favour to the
// rest; if the kernel declines, nothing is lost but that.
func yieldToOthers() {
	// The call returns 20 minus the nice value (getpriority(2)). Where the whole
	// program stands further back already, nobody is pulled forward.
	if p, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil && 20-p < yielded {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, yielded)
	}
}

// yielded is the nice value of a thread that stands behind the others.
const yielded = 10
