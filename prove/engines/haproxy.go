package engines

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"signet/prove/child"
)

// HAProxy is a load balancer in front of servers that answer GET /readyz.
type HAProxy struct {
	URL string // for clients

	t      child.T
	socket string
}

// haproxyConfig is the configuration. What a request asked for is sent to
// another server only where nothing can have come of it: a connection that was
// never made, and the reading methods. Anything else that had no answer is the
// client's to ask again, which alone knows whether it may.
//
// A server that stops is not ready first, and finishes what it has: haproxy must
// not end that. One that stands still ends nothing, so requests have a time. Long
// polls have none, and are ended when their server is not ready: who reads can
// read elsewhere.
const haproxyConfig = `global
	stats socket %[1]s mode 600
	maxconn 2000

defaults
	mode http
	timeout connect 1s
	timeout client 75s
	timeout check 500ms
	timeout http-keep-alive 75s
	option forwardfor
	option redispatch 1
	retries 3
	retry-on conn-failure empty-response response-timeout 503
	balance roundrobin
	option httpchk GET /readyz

frontend clients
	bind %[2]s
	http-request disable-l7-retry unless METH_GET # and HEAD
	use_backend polls if { req.hdr(Prefer) -m sub wait= }
	default_backend issuers

backend issuers
	timeout server 5s
	default-server check inter 200ms fall 2 rise 1
%[3]s
backend polls
	timeout server 75s
	default-server check inter 200ms fall 2 rise 1 on-marked-down shutdown-sessions
%[3]s`

// StartHAProxy starts one until the test ends, in front of servers that need
// not run yet: each is a host and a port, and is called s0, s1 and so on.
func StartHAProxy(t child.T, servers ...string) *HAProxy {
	t.Helper()
	binary := tool(t, "haproxy", "haproxy", "/usr/sbin/haproxy")
	at := "127.0.0.1:" + child.FreePorts(t, 1)[0]
	dir := t.TempDir()
	h := &HAProxy{t: t, URL: "http://" + at, socket: filepath.Join(dir, "s")}
	var list strings.Builder
	for i, server := range servers {
		fmt.Fprintf(&list, "\tserver s%d %s\n", i, server)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(haproxyConfig, h.socket, at, list.String())), 0o600); err != nil {
		t.Fatal(err)
	}
	child.Start(t, binary, []string{"-db", "-f", file}, nil, "")
	return h
}

// Await waits until it sends requests to exactly so many of its servers.
func (h *HAProxy) Await(up int) {
	h.t.Helper()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	deadline := time.After(child.Patience)
	for {
		all := h.up()
		if len(all) == up {
			return
		}
		select {
		case <-every.C:
		case <-deadline:
			h.t.Fatalf("haproxy sends to %v, and not to %d servers", all, up)
		}
	}
}

// up asks its socket for the servers whose checks succeed. There is none as
// long as it does not answer.
func (h *HAProxy) up() (names []string) {
	c, err := net.Dial("unix", h.socket)
	if err != nil {
		return nil
	}
	defer c.Close()
	if _, err := fmt.Fprintln(c, "show stat issuers 4 -1"); err != nil { // 4: servers
		return nil
	}
	for lines := bufio.NewScanner(c); lines.Scan(); {
		// proxy, server, and as the 18th the state; "no check" is none of ours
		if fields := strings.Split(lines.Text(), ","); len(fields) > 17 && strings.HasPrefix(fields[17], "UP") {
			names = append(names, fields[1])
		}
	}
	return names
}
