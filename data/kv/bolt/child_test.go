//go:build linux || darwin

package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"signet/data/kv"
)

// Some tests need a process of their own: to hold the lock from outside, or to
// live under a limit. The test binary runs itself with childEnv set.
const (
	childEnv  = "SIGNET_BOLT_CHILD"
	childPath = "SIGNET_BOLT_PATH"
)

func TestMain(m *testing.M) {
	path := os.Getenv(childPath)
	var err error
	switch os.Getenv(childEnv) {
	case "":
		os.Exit(m.Run())
	case "hold":
		err = childHolds(path)
	case "fill":
		err = childFills(path)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+what, childPath+"="+path)
	return cmd
}

// childHolds opens the store, says so, and keeps it until its input ends.
func childHolds(path string) error {
	e, err := Open(path, Options{})
	if err != nil {
		return err
	}
	fmt.Println("held")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return e.Close()
}

// childFills writes until the file may not grow, then under a limit below the
// file's end, then with the limit lifted. It prints each key that was
// acknowledged. Two limits, since one stops the truncate that grows the file
// and the other a write to it.
func childFills(path string) error {
	e, err := Open(path, Options{})
	if err != nil {
		return err
	}
	value := strings.Repeat("v", 16<<10)
	n := 0
	put := func(size int) error {
		key := fmt.Sprintf("k%05d", n)
		err := e.Update(context.Background(), func(tx kv.Tx) error {
			tx.Put([]byte(key), []byte(value[:size]))
			return nil
		})
		if err == nil {
			fmt.Println(key)
			n++
		}
		return err
	}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	limit := func(max uint64) error {
		return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: max, Max: before.Max})
	}
	for _, bytes := range []uint64{4 << 20, 64 << 10} {
		if err := limit(bytes); err != nil {
			return err
		}
		for err = nil; err == nil && n < 10_000; {
			err = put(len(value))
		}
		if !errors.Is(err, kv.ErrNoSpace) {
			return fmt.Errorf("after %d writes under a limit of %d: %v, want kv.ErrNoSpace", n, bytes, err)
		}
		for range 3 { // again and again
			if err := put(len(value)); !errors.Is(err, kv.ErrNoSpace) {
				return fmt.Errorf("a further write: %v, want kv.ErrNoSpace", err)
			}
		}
		err := e.View(context.Background(), func(kv.Reader) error { return nil })
		if err = errors.Join(err, e.Check(context.Background())); err != nil {
			return fmt.Errorf("on a full disk: %w", err)
		}
	}
	if err := limit(before.Cur); err != nil {
		return err
	}
	for range 20 {
		if err := put(100); err != nil {
			return fmt.Errorf("with space again: %w", err)
		}
	}
	if err := e.Check(context.Background()); err != nil {
		return err
	}
	fmt.Println("done") // and ends without Close
	return nil
}

func TestAFullDiskIsSurvived(t *testing.T) {
	path := t.TempDir() + "/signet.db"
	out, err := child(t, "fill", path).CombinedOutput()
	lines := strings.Fields(string(out))
	if err != nil || len(lines) < 100 || lines[len(lines)-1] != "done" {
		t.Fatalf("%v\n%s", err, out)
	}
	e := openAt(t, path)
	for _, key := range lines[:len(lines)-1] {
		if !has(t, e, key) {
			t.Fatalf("%s was acknowledged and is gone", key)
		}
	}
	if err := e.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAStoreInUseByAnotherProcessIsRefused(t *testing.T) {
	path := openNew(t).path + ".other"
	cmd := child(t, "hold", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	word := make([]byte, 4)
	if _, err := out.Read(word); err != nil || string(word) != "held" {
		t.Fatalf("the child said %q, %v", word, err)
	}
	for _, o := range []Options{{}, {Timeout: 30_000_000}, {ReadOnly: true}} {
		if _, err := Open(path, o); !errors.Is(err, kv.ErrInUse) {
			t.Errorf("%+v: got %v, want kv.ErrInUse", o, err)
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
}
