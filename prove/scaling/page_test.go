//go:build engines

package scaling

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"signet/prove/child"
	"signet/prove/issuer"
)

// page is a folder in which the examples are followed.
type page struct {
	t    *testing.T
	dir  string
	text string
}

// open makes the folder, with the command in it. PostgreSQL refuses to be root,
// so nothing here is.
func open(t *testing.T) *page {
	t.Helper()
	needs(t, "etcd", "etcd-server")
	needs(t, "/usr/sbin/haproxy", "haproxy")
	needs(t, "curl", "curl")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) == 0 {
		needs(t, "/usr/lib/postgresql/*/bin/postgres", "postgresql")
	}
	root, err := issuer.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "scaling.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "signet-scaling-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if _, err := issuer.Build(dir, "idp"); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if out, err := exec.Command("chown", "postgres:", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return &page{t, dir, string(text)}
}

func needs(t *testing.T, program, debian string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("ENGINES_REQUIRED") == "1" {
		t.Fatalf("%s is missing, and ENGINES_REQUIRED=1 says that nothing may be skipped: apt-get install %s", program, debian)
	}
	t.Skipf("SKIPPED: %s is missing: apt-get install %s", program, debian)
}

// blocks are the lines of a section that a person types, block by block.
func (p *page) blocks(title string) (blocks []string) {
	p.t.Helper()
	_, section, ok := strings.Cut(p.text, "\n## "+title+"\n")
	if !ok {
		p.t.Fatalf("the page has no section %q", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, b := range regexp.MustCompile("(?s)```sh\n(.*?)\n```").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, b[1])
	}
	return blocks
}

// terminals gives each line of a block a terminal, and waits until all have said
// that they are ready.
func (p *page) terminals(block, ready string) (all []*child.Process) {
	p.t.Helper()
	for _, line := range strings.Split(block, "\n") {
		all = append(all, child.Shell(p.t, p.dir, "exec "+strings.Join(quoted(as(line)), " "), ""))
	}
	for _, terminal := range all {
		terminal.Says(ready)
	}
	return all
}

// run runs a block in one shell, and gives what it printed.
func (p *page) run(block string) string {
	p.t.Helper()
	line := as("set -euo pipefail\n" + block)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), 3*child.Patience) // some lines wait
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir = p.dir
	// What is started in the background keeps no pipe of ours.
	log, err := os.CreateTemp(p.t.TempDir(), "said")
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	failed := cmd.Run()
	said, err := os.ReadFile(log.Name())
	if failed != nil || err != nil {
		p.t.Fatalf("%v, %v\n%s", failed, err, said)
	}
	return string(said)
}

// as is a shell of who types the lines.
func as(line string) []string {
	shell := []string{"bash", "-c", line}
	if os.Getuid() == 0 {
		shell = append([]string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "env", "HOME=/nowhere"}, shell...)
	}
	return shell
}

func quoted(words []string) (all []string) {
	for _, w := range words {
		all = append(all, fmt.Sprintf("'%s'", strings.ReplaceAll(w, "'", `'\''`)))
	}
	return all
}
