//go:build unix

package secret

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// exposed refuses a file that a group or the world may use, or that another
// user owns and so could change at will.
func exposed(path string, info fs.FileInfo, also int) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w: %s has mode %04o; run: chmod 600 %s", ErrExposed, path, mode, path)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() && int(st.Uid) != also {
		return fmt.Errorf("%w: %s belongs to user %d", ErrExposed, path, st.Uid)
	}
	return nil
}
