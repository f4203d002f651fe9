//go:build engines

package etcd

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"signet/data/kv"
	"signet/data/kv/kvtest"
	"signet/prove/engines"
)

func TestSuite(t *testing.T) {
	cluster := engines.StartEtcd(t, engines.EtcdOptions{})
	kvtest.Limits{Value: 1 << 20}.Run(t, func(t *testing.T) kv.Engine { return nodes(t, cluster, 1)[0] })
}

func TestNodes(t *testing.T) {
	for _, members := range []int{1, 3} {
		t.Run(fmt.Sprintf("on %d members", members), func(t *testing.T) {
			cluster := engines.StartEtcd(t, engines.EtcdOptions{Members: members})
			kvtest.RunNodes(t, func(t *testing.T, n int) (all []kv.Engine) {
				for _, e := range nodes(t, cluster, n) {
					all = append(all, e)
				}
				return all
			})
		})
	}
}

var stores atomic.Int64

// nodes opens engines on a store of the test's own in a cluster of many.
func nodes(t *testing.T, c *engines.Etcd, n int) (all []*Engine) {
	t.Helper()
	prefix := fmt.Sprintf("store/%d", stores.Add(1)) // of which 1 begins 10
	for range n {
		all = append(all, open(t, Options{Endpoints: c.Endpoints(), Prefix: prefix}))
	}
	return all
}

func open(t *testing.T, o Options) *Engine {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	e, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}
