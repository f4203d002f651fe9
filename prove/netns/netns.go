package netns

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"signet/prove/child"
)

// Host is a network namespace with one address.
type Host struct {
	Address string

	t         child.T
	ip        string // the command
	name      string
	bridge    string
	cable     string // its end of the bridge
	unplugged bool
}

// The network is one for measuring (RFC 2544, section C.2.2), which nobody has.
const network = "198.18.77."

// New makes so many hosts on a bridge on which this machine is, too. One test at
// a time may have them.
func New(t child.T, n int) []*Host {
	t.Helper()
	ip, err := exec.LookPath("ip")
	if err != nil {
		t.Fatalf("ip is missing: apt-get install iproute2")
	}
	if os.Geteuid() != 0 {
		t.Fatalf("network namespaces need root")
	}
	prefix := fmt.Sprintf("sg%d", os.Getpid()) // names of devices have 15 characters at most
	bridge := &Host{t: t, ip: ip, name: prefix}
	bridge.make("link", "add", prefix, "type", "bridge")
	t.Cleanup(func() { bridge.undo("link", "del", prefix) })
	bridge.make("addr", "add", network+"1/24", "dev", prefix)
	bridge.make("link", "set", prefix, "up")
	var hosts []*Host
	for i := range n {
		h := &Host{Address: fmt.Sprint(network, 2+i), t: t, ip: ip, name: fmt.Sprint(prefix, "-", i), bridge: prefix, cable: fmt.Sprint(prefix, "v", i)}
		h.make("netns", "add", h.name)
		t.Cleanup(func() { h.undo("netns", "del", h.name) }) // and its cable with it
		h.make("link", "add", h.cable, "type", "veth", "peer", "name", "eth0", "netns", h.name)
		h.make("link", "set", h.cable, "master", prefix, "up")
		h.make("-n", h.name, "addr", "add", h.Address+"/24", "dev", "eth0")
		h.make("-n", h.name, "link", "set", "lo", "up")
		h.make("-n", h.name, "link", "set", "eth0", "up")
		hosts = append(hosts, h)
	}
	return hosts
}

// Command is what runs the program there; the process is the program's own.
func (h *Host) Command(program string, args []string) (string, []string) {
	return h.ip, append([]string{"netns", "exec", h.name, program}, args...)
}

// Unplug takes the cable out of the bridge, until Plug.
func (h *Host) Unplug() {
	h.t.Helper()
	h.make("link", "set", h.cable, "nomaster")
	h.unplugged = true
}

// Plug puts it back.
func (h *Host) Plug() {
	h.t.Helper()
	if h.unplugged {
		h.make("link", "set", h.cable, "master", h.bridge)
		h.unplugged = false
	}
}

func (h *Host) make(args ...string) {
	h.t.Helper()
	if out, err := exec.Command(h.ip, args...).CombinedOutput(); err != nil {
		h.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (h *Host) undo(args ...string) {
	if out, err := exec.Command(h.ip, args...).CombinedOutput(); err != nil {
		h.t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
