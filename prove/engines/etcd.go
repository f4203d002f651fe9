package engines

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"signet/prove/child"
	"signet/prove/netns"
)

// EtcdOptions are how a cluster is started.
type EtcdOptions struct {
	Members   int           // 1 unless set
	Cert, Key string        // files: with them clients come over TLS. The certificate is its own authority
	Flags     []string      // more of etcd's own
	Hosts     []*netns.Host // one for each member; nil: all are on this machine, as the others are
}

// Etcd is a cluster of etcd members.
type Etcd struct {
	Members []*Member
	t       child.T
	etcdctl string
	cert    string // that etcdctl trusts
}

// Member is one process of a cluster.
type Member struct {
	Endpoint string // for clients, as a URL

	t       child.T
	host    *netns.Host // nil: this machine
	binary  string
	args    []string
	process *child.Process
	paused  bool
}

// StartEtcd starts a cluster until the test ends, and waits until it takes
// writes.
func StartEtcd(t child.T, o EtcdOptions) *Etcd {
	t.Helper()
	binary := tool(t, "etcd", "etcd-server")
	c := &Etcd{t: t, etcdctl: tool(t, "etcdctl", "etcd-client"), cert: o.Cert}
	n, scheme := max(o.Members, 1), "http"
	if o.Cert != "" {
		scheme = "https"
		o.Flags = append([]string{"--cert-file=" + o.Cert, "--key-file=" + o.Key}, o.Flags...)
	}
	ports := child.FreePorts(t, 2*n)
	hosts := make([]*netns.Host, n)
	copy(hosts, o.Hosts)
	var cluster []string
	for i, h := range hosts {
		cluster = append(cluster, fmt.Sprintf("m%d=http://%s:%s", i, address(h), ports[2*i+1]))
	}
	dir := t.TempDir()
	for i, h := range hosts {
		name, peer, _ := strings.Cut(cluster[i], "=")
		client := scheme + "://" + address(h) + ":" + ports[2*i]
		c.Members = append(c.Members, &Member{Endpoint: client, t: t, host: h, binary: binary, args: append([]string{
			"--name=" + name,
			"--data-dir=" + filepath.Join(dir, name),
			"--listen-client-urls=" + client,
			"--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer,
			"--initial-advertise-peer-urls=" + peer,
			"--initial-cluster=" + strings.Join(cluster, ","),
			"--logger=zap",
			"--log-outputs=stderr",
		}, o.Flags...)})
	}
	for _, m := range c.Members {
		m.Start()
	}
	for _, m := range c.Members {
		m.Ready()
	}
	return c
}

func address(h *netns.Host) string {
	if h == nil {
		return "127.0.0.1"
	}
	return h.Address
}

// Endpoints are the members' addresses.
func (c *Etcd) Endpoints() (all []string) {
	for _, m := range c.Members {
		all = append(all, m.Endpoint)
	}
	return all
}

// Ctl runs etcdctl on the cluster and returns what it printed.
func (c *Etcd) Ctl(args ...string) string {
	c.t.Helper()
	out, err := c.ctl(c.Endpoints(), args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("etcdctl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (c *Etcd) ctl(endpoints []string, args ...string) *exec.Cmd {
	flags := []string{"--endpoints=" + strings.Join(endpoints, ",")}
	if c.cert != "" {
		flags = append(flags, "--cacert="+c.cert)
	}
	cmd := exec.Command(c.etcdctl, append(flags, args...)...)
	cmd.Env = append(cmd.Environ(), "ETCDCTL_API=3")
	return cmd
}

// Leader returns the member that leads, or fails the test when none does for
// long.
func (c *Etcd) Leader() *Member {
	c.t.Helper()
	for deadline := time.Now().Add(child.Patience); time.Now().Before(deadline); {
		for _, m := range c.Members {
			// It prints endpoint, id, version, size, and whether it leads.
			if out, err := c.ctl([]string{m.Endpoint}, "--command-timeout=1s", "endpoint", "status").Output(); err == nil && strings.Contains(string(out), ", true, ") {
				return m
			}
		}
	}
	c.t.Fatal("no member leads")
	return nil
}

// Start starts a member, or starts it again on what it kept.
func (m *Member) Start() {
	m.t.Helper()
	binary, args := m.binary, m.args
	if m.host != nil {
		binary, args = m.host.Command(binary, args)
	}
	m.process = child.Start(m.t, binary, args, nil, "")
	m.t.Cleanup(m.Resume)
}

// Ready waits until the member takes requests of clients.
func (m *Member) Ready() {
	m.t.Helper()
	m.process.Says("serving client traffic ")
}

// Kill ends the member at once, as kill -9 does.
func (m *Member) Kill() { m.process.Kill() }

// Pause stops the member in the middle of what it does, with its connections
// open, until Resume.
func (m *Member) Pause() {
	m.paused = true
	m.process.Pause()
}

// Resume lets a paused member go on.
func (m *Member) Resume() {
	if m.paused {
		m.paused = false
		m.process.Resume()
	}
}

// Unplug cuts the network of a member that has a host of its own, until Plug.
func (m *Member) Unplug() { m.host.Unplug() }

// Plug mends it.
func (m *Member) Plug() { m.host.Plug() }
