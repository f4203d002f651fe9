package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
)

// cluster is several nodes on one engine behind one URL: each request goes to
// the next of them, so nobody ever comes back to the same.
type cluster struct {
	*provider
	nodes []*issuer
	ways  []*kvtest.Faulty // of each node to the engine
	next  atomic.Uint64
	only  atomic.Pointer[issuer] // the one that the balancer has left, or nil
	seen  *recorder              // or nil
}

// patience is how long a node waits for an engine that is stalled.
const patience = 100 * time.Millisecond

// newCluster starts n nodes, with a person. yaml is the file of settings, less
// the issuer.
func newCluster(t testing.TB, n int, yaml string, settings ...string) *cluster {
	t.Helper()
	return newClusterAt(t, n, "", yaml, settings...)
}

// newClusterAt is newCluster with a path in the issuer's URL.
func newClusterAt(t testing.TB, n int, path, yaml string, settings ...string) *cluster {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	yaml = "issuer: " + at + path + "\nthrottle: {register_burst: 1000}\nkeys: {lease: 4h, publish_ahead: 12h} # the clock is moved by hand\n" + yaml
	c := &cluster{}
	front := httptest.NewUnstartedServer(c)
	front.Listener.Close()
	front.Listener = listener
	engine := mem.New()
	for range n {
		c.add(t, engine, yaml, settings...)
	}
	front.Start()
	t.Cleanup(front.Close)
	first := *c.nodes[0]
	first.url = at + path
	c.provider = &provider{issuer: &first, origin: at, dialer: outside, others: c.nodes[1:]}
	if err := json.Unmarshal([]byte(first.call(http.MethodGet, "/.well-known/openid-configuration", "").want(t, http.StatusOK).Body), &c.document); err != nil {
		t.Fatal(err)
	}
	c.user = c.person(personMail)
	return c
}

// add starts a node with its services at work.
func (c *cluster) add(t testing.TB, engine kv.Engine, yaml string, settings ...string) {
	t.Helper()
	if len(c.nodes) > 0 {
		settings = append(settings, "SIGNET_MASTER_KEY_FILE="+filepath.Join(c.nodes[0].house.config.State, "master.key"))
	}
	way := kvtest.NewFaulty(engine, patience)
	node, r := startIssuerOn(t, func(*bolt.Engine) kv.Engine { return way }, nil, yaml, settings...)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, run := range r.beside() {
		group.Go(func() { _ = run(ctx) })
	}
	t.Cleanup(func() { way.Mend(); stop(); group.Wait() })
	c.nodes, c.ways = append(c.nodes, node), append(c.ways, way)
}

// ServeHTTP gives the request to the next node.
func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	node := c.nodes[int(c.next.Add(1))%len(c.nodes)]
	if only := c.only.Load(); only != nil {
		node = only
	}
	if c.seen == nil {
		node.handler.ServeHTTP(w, r)
		return
	}
	c.seen.record(w, r, node.handler)
}

// each does the same to every node's way to the engine.
func (c *cluster) each(do func(*kvtest.Faulty)) {
	for _, way := range c.ways {
		do(way)
	}
}

// eventually waits for what other goroutines bring about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 seconds: %s", what)
		}
	}
}
