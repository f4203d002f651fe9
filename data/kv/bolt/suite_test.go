package bolt

import (
	"fmt"
	"path/filepath"
	"testing"

	"signet/data/kv"
	"signet/data/kv/kvtest"
)

func TestSuite(t *testing.T) {
	kvtest.Run(t, func(t *testing.T) kv.Engine { return openNew(t) })
}

func TestSuiteOverAJournal(t *testing.T) {
	for _, keys := range []int{1, 3, 1 << 20} {
		t.Run(fmt.Sprint("room for ", keys), func(t *testing.T) {
			kvtest.Run(t, func(t *testing.T) kv.Engine { return journaled(openNew(t), keys) })
		})
	}
}

// journaled gives e a journal, however small the file, with room for that many
// keys. It must be called before a writer comes.
func journaled(e *Engine, keys int) *Engine {
	e.room = func(int64) int { return keys }
	return e
}

// openNew opens a store of the test's own.
func openNew(t testing.TB) *Engine {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "signet.db"))
}

func openAt(t testing.TB, path string) *Engine {
	t.Helper()
	e, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}
