//go:build engines && unix

package cluster

import (
	"strings"
	"testing"

	"signet/prove/engines"
)

// onEtcd are three members, apart if each has a network of its own.
type onEtcd struct {
	*engines.Etcd
	apart bool
}

func startEtcd(t *testing.T) engine {
	return onEtcd{engines.StartEtcd(t, engines.EtcdOptions{Members: 3}), false}
}

func (e onEtcd) servers() (all []string) {
	for _, endpoint := range e.Endpoints() {
		all = append(all, strings.TrimPrefix(endpoint, "http://"))
	}
	return all
}

func (e onEtcd) store(servers []string) string {
	return "etcd://" + strings.Join(servers, ",") + "/signet"
}

// onPostgres is a primary that waits with every commit for its standby, until
// that takes its place.
type onPostgres struct{ primary, standby *engines.Postgres }

func startPostgres(t *testing.T) engine {
	p := engines.NewPostgres(t)
	e := &onPostgres{p, p.Standby("standby")}
	p.Set("synchronous_standby_names = 'standby'")
	p.Reload()
	until(t.Context(), t, "the primary waits for its standby", func() bool {
		return p.SQL("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1"
	})
	return e
}

func (e *onPostgres) servers() []string {
	return []string{e.primary.Address(), e.standby.Address()}
}

func (e *onPostgres) store(servers []string) string {
	return "postgres://signet:" + engines.PostgresPassword + "@" + strings.Join(servers, ",") + "/postgres?target_session_attrs=read-write"
}

// all are the engines.
var all = map[string]func(*testing.T) engine{"etcd": startEtcd, "PostgreSQL": startPostgres}
