package engines

import (
	"os"
	"os/exec"

	"signet/prove/child"
)

// tool finds a program that a package of Debian's brings. places are where it
// is, beside those on the path.
func tool(t child.T, name, debian string, places ...string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("ENGINES_REQUIRED") == "1" {
		t.Fatalf("%s is missing, and ENGINES_REQUIRED=1 says that nothing may be skipped: apt-get install %s", name, debian)
	}
	t.Skipf("SKIPPED: %s is missing: apt-get install %s", name, debian)
	return ""
}
