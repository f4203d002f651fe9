package bolt

import (
	"path/filepath"
	"testing"

	"signet/data/kv"
	"signet/data/kv/kvtest"
)

func TestSuite(t *testing.T) {
	kvtest.Run(t, func(t *testing.T) kv.Engine { return openNew(t) })
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
