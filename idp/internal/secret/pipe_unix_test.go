//go:build unix

package secret

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestANamedPipeIsNoMasterKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := Find(Places{StateFile: path}, nil)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("it was taken for one")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the process waits for somebody to write into it")
	}
}
