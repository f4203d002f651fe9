//go:build engines && unix

package cluster

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signet/prove/engines"
	"signet/prove/issuer"
	"signet/prove/line"
)

// size is how many issuers there are, and lease how long one of them may sign
// without having seen the store.
const (
	size  = 3
	lease = 4 * time.Second
)

// cluster is issuers with one store, behind haproxy. Between each of them and
// each server of the engine lies a line.
type cluster struct {
	URL   string // haproxy's
	front *engines.HAProxy
	homes [size]issuer.Home
	nodes [size]*issuer.Process
	lines [size][]*line.Line

	machine, secret string // a client with tokens of its own, which may ask about those of others
}

// engine is what the issuers stand on.
type engine interface {
	servers() []string             // the addresses of its servers
	store(servers []string) string // what config.yaml calls it, with the servers at these addresses
	faults(c *cluster) []fault     // what can happen to it
}

// newCluster starts the issuers, which are ready when it returns.
func newCluster(t *testing.T, e engine, s issuer.Settings) *cluster {
	t.Helper()
	binary, err := buildIssuer()
	if err != nil {
		t.Fatal(err)
	}
	return newClusterOf(t, binary, e, s)
}

// newClusterOf starts issuers of a binary.
func newClusterOf(t *testing.T, binary string, e engine, s issuer.Settings) *cluster {
	t.Helper()
	c := &cluster{}
	var at []string
	var err error
	for i := range c.homes {
		if c.homes[i], err = issuer.NewHome(binary, t.TempDir(), issuer.Roomy.With(s)); err != nil {
			t.Fatal(err)
		}
		at = append(at, strings.TrimPrefix(c.homes[i].URL, "http://"))
	}
	c.front = engines.StartHAProxy(t, at...)
	c.URL = c.front.URL
	master := filepath.Join(t.TempDir(), "master.key")
	if out, err := c.homes[0].Command(t.Context(), "keys", "new-master-key", master).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i := range c.homes {
		h := &c.homes[i]
		h.Name = c.URL
		h.Settings = h.Settings.With(issuer.Settings{
			"store": e.store(c.entrances(t, i, e.servers())), "trusted_proxies": "127.0.0.1/32",
			"master_key_file": master, "keys.lease": lease.String(), "keys.skew": "1s",
		})
		c.start(t, i)
	}
	c.addMachine(t)
	t.Cleanup(func() {
		for i, p := range c.nodes {
			_ = p.Resume()
			p.Kill()
			if t.Failed() {
				t.Logf("the log of issuer %d:\n%.4000s", i, p.Log())
			}
		}
	})
	c.front.Await(size)
	return c
}

// entrances are the lines of one issuer to the servers.
func (c *cluster) entrances(t *testing.T, i int, servers []string) (addresses []string) {
	for _, s := range servers {
		l := line.New(t, s)
		c.lines[i] = append(c.lines[i], l)
		addresses = append(addresses, l.Address())
	}
	return addresses
}

// start starts an issuer, or starts it again, and waits until it is ready.
func (c *cluster) start(t *testing.T, i int) {
	t.Helper()
	p, err := c.homes[i].Start()
	if err != nil {
		t.Fatal(err)
	}
	c.nodes[i] = p
}

// addMachine makes a client by the command of one of them.
func (c *cluster) addMachine(t *testing.T) {
	t.Helper()
	out, err := c.homes[0].Command(t.Context(), "clients", "add", "machine", "--grant-type", "client_credentials", "--introspect", "--json").Output()
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err == nil {
		err = json.Unmarshal(out, &made)
	}
	if err != nil || made.Secret == "" {
		t.Fatalf("%v: %s", err, out)
	}
	c.machine, c.secret = made.ID, made.Secret
}

// breakLines gives the lines of one issuer a fault, or mends them.
func (c *cluster) breakLines(i int, f line.Fault) {
	for _, l := range c.lines[i] {
		l.Break(f)
	}
}
