package optimistic

import (
	"testing"

	"signet/data/kv"
	"signet/data/kv/kvtest"
)

func TestSuite(t *testing.T) {
	kvtest.Run(t, func(t *testing.T) kv.Engine { return open(t, newStore().node(), Options{}) })
}

func TestNodes(t *testing.T) {
	kvtest.RunNodes(t, func(t *testing.T, n int) (nodes []kv.Engine) {
		s := newStore()
		for range n {
			nodes = append(nodes, open(t, s.node(), Options{}))
		}
		return nodes
	})
}

func open(t *testing.T, b Backend, o Options) *Engine {
	t.Helper()
	e := New(b, o)
	t.Cleanup(func() { _ = e.Close() })
	return e
}
