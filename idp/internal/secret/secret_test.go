package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestTheFirstPlaceThatHasAKeyWins(t *testing.T) {
	dir := t.TempDir()
	file, state := filepath.Join(dir, "own"), filepath.Join(dir, FileName)
	credentials := filepath.Join(dir, "credentials")
	if err := os.Mkdir(credentials, 0o700); err != nil {
		t.Fatal(err)
	}
	all := Places{File: file, Environ: []string{Env + "=from-env", "CREDENTIALS_DIRECTORY=" + credentials}, StateFile: state}
	write(t, file, "from-file\n", 0o400)
	write(t, filepath.Join(credentials, Credential), "from-credential", 0o440)
	write(t, state, " from-state ", 0o600)

	check := func(want, from string, inState bool) {
		t.Helper()
		f, err := Find(all, nil)
		if err != nil || string(f.Text) != want || f.From != from || f.InState != inState || f.Created {
			t.Errorf("got %q from %q (in state: %v), %v; want %q", f.Text, f.From, f.InState, err, want)
		}
	}
	check("from-file", file, false)
	all.File = ""
	check("from-env", Env, false)
	all.Environ = all.Environ[1:]
	check("from-credential", filepath.Join(credentials, Credential), false)
	os.Remove(filepath.Join(credentials, Credential))
	check("from-state", state, true)
	os.Remove(state)
	if _, err := Find(all, nil); !errors.Is(err, ErrNone) {
		t.Errorf("with no key anywhere: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k")
	never := func() ([]byte, error) { t.Error("a key was made"); return nil, nil }
	for _, tt := range []struct {
		name  string
		setUp func() Places
		want  string
	}{
		{"a file that is missing though it was named", func() Places { return Places{File: path, StateFile: path} }, path},
		{"a file that a group may read", func() Places { write(t, path, "x", 0o640); return Places{File: path} }, "chmod 600"},
		{"a file that the world may write", func() Places { write(t, path, "x", 0o602); return Places{StateFile: path} }, "chmod 600"},
		{"an empty file", func() Places { write(t, path, " \n", 0o600); return Places{StateFile: path} }, "empty"},
		{"a large file", func() Places { write(t, path, strings.Repeat("x", maxText+1), 0o600); return Places{File: path} }, "too large"},
		{"a folder", func() Places { return Places{File: dir} }, "is not a file"},
		{"an empty name in the environment", func() Places { return Places{Environ: []string{Env + "="}} }, "set and empty"},
	} {
		os.Remove(path)
		if f, err := Find(tt.setUp(), never); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s gave %v, %v", tt.name, f, err)
		}
	}
}

func TestOfManyThatMakeAKeyOneWins(t *testing.T) {
	dir := t.TempDir()
	places := Places{StateFile: filepath.Join(dir, FileName)}
	var made sync.WaitGroup
	start := make(chan struct{})
	found := make([]Found, 8)
	for i := range found {
		made.Go(func() {
			<-start
			f, err := Find(places, func() ([]byte, error) { return fmt.Appendf(nil, "key %d", i), nil })
			if err != nil {
				t.Error(err)
			}
			found[i] = f
		})
	}
	close(start)
	made.Wait()
	created := 0
	for _, f := range found {
		if string(f.Text) != string(found[0].Text) {
			t.Errorf("one got %q, another %q", found[0].Text, f.Text)
		}
		if f.Created {
			created++
		}
	}
	if created != 1 {
		t.Errorf("%d made the file", created)
	}
	entries, _ := os.ReadDir(dir)
	info, err := os.Stat(places.StateFile)
	if err != nil || info.Mode().Perm() != 0o600 || len(entries) != 1 {
		t.Errorf("the folder holds %v, the file has mode %v (%v)", entries, info.Mode(), err)
	}
}

func TestAFailureToMakeAKeyLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("no randomness")
	_, err := Find(Places{StateFile: filepath.Join(dir, FileName)}, func() ([]byte, error) { return nil, broken })
	if entries, _ := os.ReadDir(dir); !errors.Is(err, broken) || len(entries) != 0 {
		t.Errorf("got %v, and %v in the folder", err, entries)
	}
}

func TestTheTextIsNeverPrinted(t *testing.T) {
	f := Found{Text: []byte("hunter2"), From: "k"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, f); strings.Contains(s, "hunter2") || strings.Contains(s, "104") {
			t.Errorf("%s prints %s", verb, s)
		}
	}
}
