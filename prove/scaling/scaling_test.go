//go:build engines

package scaling

import (
	"strings"
	"testing"
)

const (
	onEtcd     = "Try it: three issuers, three etcd members, haproxy"
	onPostgres = "Try it: PostgreSQL with a synchronous standby"
)

// The blocks of the first section, in their order. The first is where the folder
// comes from.
const (
	files = iota + 1
	members
	issuers
	balancer
	person
)

func TestTheExampleOnEtcd(t *testing.T) {
	p := open(t)
	b := p.blocks(onEtcd)
	p.run(b[files])
	etcd := p.terminals(b[members], "client requests")
	nodes := p.terminals(b[issuers], "listen")
	p.terminals(b[balancer], "")
	said := p.run(b[person])
	if n := strings.Count(said, "round trips to the store"); n != 3 {
		t.Errorf("%d issuers told what they did:\n%s", n, said)
	}
	lines := strings.Split(b[person], "\n")
	again := strings.Join(lines[len(lines)-3:len(lines)-1], "\n") // refreshes alone
	etcd[0].Kill()
	p.run(again)
	nodes[0].Stop()
	p.run(again)
}

func TestTheExampleOnPostgreSQL(t *testing.T) {
	p := open(t)
	b, pg := p.blocks(onEtcd), p.blocks(onPostgres)
	p.run(b[files])
	t.Cleanup(func() {
		p.run(`for d in primary standby; do PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -1)" pg_ctl -D $d -m immediate stop || true; done`)
	})
	p.run(pg[0])
	p.terminals(b[issuers], "listen")
	p.terminals(b[balancer], "")
	p.run(b[person])
	if said := p.run(pg[1]); !strings.Contains(said, `"access_token"`) {
		t.Errorf("nobody refreshed after the failover:\n%s", said)
	}
}
