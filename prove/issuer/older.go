package issuer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNoHistory says that the sources are here without the history that they came
// from, or without that part of it.
var ErrNoHistory = errors.New("the history of the sources is not here")

// BuildAt compiles the command in pkg as it was at a commit into dir, and returns
// the binary. It asks git for the sources, and changes nothing of its own: not
// the index, not the working tree.
func BuildAt(dir, commit, pkg string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	if err := inHistory(root, commit); err != nil {
		return "", err
	}
	sources, index := filepath.Join(dir, commit), "GIT_INDEX_FILE="+filepath.Join(dir, commit+".index")
	for _, args := range [][]string{{"read-tree", commit}, {"checkout-index", "--all", "--prefix=" + sources + string(filepath.Separator)}} {
		if out, err := git(root, index, args...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("git %s: %w\n%s", args[0], err, out)
		}
	}
	binary := filepath.Join(dir, filepath.Base(pkg)+"-"+commit)
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "./"+pkg)
	cmd.Dir = sources
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s of %s: %w\n%s", pkg, commit, err, out)
	}
	return binary, nil
}

// inHistory tells a history that does not hold the commit, as it was cut off or
// written anew, from a commit of another line.
func inHistory(root, commit string) error {
	if err := git(root, "", "rev-parse", "--is-inside-work-tree").Run(); err != nil { // no git, or no repository
		return fmt.Errorf("%w: git rev-parse: %w", ErrNoHistory, err)
	}
	if err := git(root, "", "cat-file", "-e", commit+"^{commit}").Run(); err != nil {
		return fmt.Errorf("%w: it does not hold %s; if it was cut off, git fetch --unshallow brings it", ErrNoHistory, commit)
	}
	if err := git(root, "", "merge-base", "--is-ancestor", commit, "HEAD").Run(); err != nil {
		return fmt.Errorf("%s is no commit that what is checked out came from", commit)
	}
	return nil
}

func git(root, environ string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = root
	if environ != "" {
		cmd.Env = append(os.Environ(), environ)
	}
	return cmd
}
