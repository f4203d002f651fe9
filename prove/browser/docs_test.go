//go:build browser

package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"signet/prove/child"
	"signet/prove/issuer"
)

// walk is a page of docs/, followed word by word in a copy of the module: its
// commands are run as they are printed.
type walk struct {
	t      *testing.T
	dir    string
	blocks [][]string // lines of commands, in the order of the page
}

// follow reads a page's first section. The lines of its first block get a
// terminal each, and stay; the second block is run.
func follow(t *testing.T, page string) *walk {
	t.Helper()
	w := &walk{t: t, dir: copyOnce(t)}
	if err := os.RemoveAll(filepath.Join(w.dir, "var")); err != nil { // of the page before
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(w.dir, "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## See it work\n")
	if !ok {
		t.Fatal("the page lets nobody see it work")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, b := range regexp.MustCompile("(?s)```sh\n(.*?)\n```").FindAllStringSubmatch(section, -1) {
		w.blocks = append(w.blocks, strings.Split(b[1], "\n"))
	}
	w.terminals(0)
	w.run(1)
	return w
}

// terminals gives each line of a block a terminal, and waits until it listens.
func (w *walk) terminals(block int) {
	w.t.Helper()
	for _, line := range w.blocks[block] {
		child.Shell(w.t, w.dir, line, "listen")
	}
}

// run runs a block in one shell, and gives what it printed.
func (w *walk) run(block int) string {
	w.t.Helper()
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", strings.Join(w.blocks[block], "\n"))
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// copied is the copy that all pages are followed in, so that it is compiled
// once.
var copied string

// copyOnce copies what a stranger gets, and nothing that lies beside it.
func copyOnce(t *testing.T) string {
	t.Helper()
	if copied != "" {
		return copied
	}
	root, err := issuer.Root()
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(bin, "copy")
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", t.TempDir()+string(filepath.Separator), "./idp", "./resource/demo", "./examples/...")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	copied = dir
	return dir
}

func copyFile(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o644)
}

// house is the one that stands where the page says.
func (w *walk) house() *house {
	return &house{t: w.t, issuer: "http://localhost:4000", main: "http://localhost:5555", spa: "http://localhost:5556", api: "http://localhost:3000"}
}

// These use the addresses that are printed, one after the other.
func TestThePageAboutWebAppsIsTrueWordByWord(t *testing.T) {
	w := follow(t, "web-app.md")
	w.terminals(2)
	h := w.house()
	b := h.newProfile()
	b.Open("http://localhost:5555")
	b.press(`a[href="/login"]`)
	b.join(ada)
	b.allow()
	b.greets(h.main, ada)
	b.press(`form[action="/call"] button`)
	b.told("200 OK")
	b.Open(h.issuer + "/account")
	b.press(`header form button`)
	b.eventually(h.main, signedOut) // the back channel works with the settings of the page
}

func TestThePageAboutSinglePageAppsIsTrueWordByWord(t *testing.T) {
	w := follow(t, "single-page-app.md")
	w.terminals(2)
	b := w.house().newProfile()
	b.Open("http://localhost:5556")
	b.Click("#sign-in")
	b.join(ada)
	b.Reads("#who", ada.name)
	b.Fill("#text", "my first post\r")
	b.Reads("#posts li", "my first post")
	b.Open("http://localhost:5556")
	b.Reads("#posts li", "my first post")
}

func TestThePageAboutCommandLineToolsIsTrueWordByWord(t *testing.T) {
	w := follow(t, "command-line.md")
	h := w.house()
	b := h.newProfile()
	tool := child.Shell(t, w.dir, w.blocks[2][0], "compare the code")
	where, userCode, _ := code(t, tool)
	b.Open(where)
	b.enterInto(`[name=user_code]`, userCode)
	b.join(ada)
	b.Reads("h1", "Let Example tool sign in")
	b.press(goOn)
	b.Reads("h1", "You’re all set")
	if said := tool.Ends(); !strings.Contains(said, `"client_id":"cli"`) {
		t.Errorf("the tool said %s", said)
	}

	tool = child.Shell(t, w.dir, w.blocks[2][1], "/oauth2/authorize")
	b.Open(regexp.MustCompile(`http\S+/oauth2/authorize\S+`).FindString(tool.Said()))
	b.allow()
	b.Reads("body", "You can close this tab")
	if said := tool.Ends(); !strings.Contains(said, `"client_id":"cli"`) {
		t.Errorf("the tool said %s", said)
	}
}

func TestThePageAboutServicesIsTrueWordByWord(t *testing.T) {
	w := follow(t, "service.md")
	for block := 2; block < len(w.blocks); block++ {
		if said := w.run(block); !strings.Contains(said, `"client_id":"service","expires_at"`) {
			t.Errorf("the API does not name the service:\n%s", said)
		}
	}
}
