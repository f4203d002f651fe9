package issuer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Edit changes one place of a source file of the module, to build a mutant: an
// issuer with a fault that a test must notice.
type Edit struct {
	File     string // from the root of the module
	Old, New string // Old must be there exactly once
}

// Build compiles the command in pkg, a path from the root of the module, into
// dir and returns the binary. The sources on the disk stay as they are: edits
// go in through an overlay.
func Build(dir, pkg string, edits ...Edit) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	name := filepath.Base(pkg)
	if len(edits) > 0 {
		name += "-mutant"
	}
	binary := filepath.Join(dir, name)
	args := []string{"build", "-o", binary}
	if len(edits) > 0 {
		overlay, err := writeOverlay(dir, root, edits)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, "./"+pkg)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// writeOverlay writes the edited files and the list that go build reads.
func writeOverlay(dir, root string, edits []Edit) (string, error) {
	replace := map[string]string{}
	for i, e := range edits {
		file := filepath.Join(root, filepath.FromSlash(e.File))
		if replace[file] != "" {
			return "", fmt.Errorf("two edits of %s", e.File)
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(source), e.Old); n != 1 {
			return "", fmt.Errorf("%s has %q %d times, not once: the mutant must follow the code", e.File, e.Old, n)
		}
		edited := filepath.Join(dir, fmt.Sprintf("edit%d.go", i))
		if err := os.WriteFile(edited, []byte(strings.Replace(string(source), e.Old, e.New, 1)), 0o600); err != nil {
			return "", err
		}
		replace[file] = edited
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

// Root is the folder of the module.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	file := string(bytes.TrimSpace(out))
	if filepath.Base(file) != "go.mod" {
		return "", fmt.Errorf("not inside the module: GOMOD is %q", file)
	}
	return filepath.Dir(file), nil
}
