//go:build unix

package prove

import "golang.org/x/sys/unix"

// limitMemory makes this process end when it wants more.
func limitMemory(bytes uint64) {
	limit := unix.Rlimit{Cur: bytes, Max: bytes}
	if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
		panic(err)
	}
}
