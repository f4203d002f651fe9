package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"signet/prove/child"
	"signet/prove/engines"
)

// engine is what stores stand on, several of them on one. Each has a name.
type engine interface {
	// address is the issuers' setting store.
	address(store string) string
	// spent is what the engine counted so far for a store, or for all that it has.
	spent(ctx context.Context, w *engineWorld) (spent, error)
}

// engineKinds are the engines, and how many issuers may be on a store there.
var engineKinds = []struct {
	name    string
	issuers int
	start   func(t *tester) engine
}{
	{onBolt, 1, func(*tester) engine { return boltEngine{} }},
	{"etcd", mostIssuers, func(t *tester) engine { return newEtcdEngine(t, 1) }},
	{"etcd, three members", mostIssuers, func(t *tester) engine { return newEtcdEngine(t, 3) }},
	{"PostgreSQL", mostIssuers, func(t *tester) engine { return newPostgresEngine(t, false) }},
	{"PostgreSQL, synchronous standby", mostIssuers, func(t *tester) engine { return newPostgresEngine(t, true) }},
}

const onBolt = "bolt"

// boltEngine is in the issuer, which counts for itself. What it wrote, the
// system knows.
type boltEngine struct{}

func (boltEngine) address(string) string { return "" }

func (boltEngine) spent(ctx context.Context, w *engineWorld) (spent, error) {
	s, err := statsOf(ctx, w.issuers[0])
	return spent{commits: s.Commits, kept: s.Bytes - s.Free, written: float64(writtenBy(w.issuers[0].PID()))}, err
}

type etcdEngine struct{ cluster *engines.Etcd }

func newEtcdEngine(t *tester, members int) engine {
	return etcdEngine{engines.StartEtcd(t, engines.EtcdOptions{Members: members})}
}

func (e etcdEngine) address(store string) string {
	return "etcd://" + strings.ReplaceAll(strings.Join(e.cluster.Endpoints(), ","), "http://", "") + "/" + store
}

// spent adds up what the members wrote. What is committed, each of them has.
func (e etcdEngine) spent(ctx context.Context, _ *engineWorld) (s spent, err error) {
	for _, endpoint := range e.cluster.Endpoints() {
		found, err := scrape(ctx, endpoint+"/metrics")
		if err != nil {
			return s, err
		}
		s.written += found["etcd_disk_wal_write_bytes_total"]
		s.commits = found["etcd_server_proposals_applied_total"]
		s.kept = found["etcd_mvcc_db_total_size_in_use_in_bytes"]
	}
	return s, nil
}

// scrape reads the metrics that have no labels.
func scrape(ctx context.Context, at string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		return nil, err
	}
	found := map[string]float64{}
	for line := range strings.Lines(text.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			found[name] = n
		}
	}
	return found, nil
}

// postgresEngine gives each store a database.
type postgresEngine struct {
	t        *tester
	primary  *engines.Postgres
	passfile string
	standby  bool
}

func newPostgresEngine(t *tester, standby bool) engine {
	e := &postgresEngine{t, engines.NewPostgres(t), filepath.Join(t.TempDir(), "passfile"), standby}
	if err := os.WriteFile(e.passfile, []byte("*:*:*:signet:"+engines.PostgresPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if standby {
		e.primary.Standby("standby")
		e.primary.Set("synchronous_standby_names = 'standby'")
		e.primary.Reload()
		e.await("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1")
	}
	for n := range mostIssuers {
		e.primary.SQL("postgres", "CREATE DATABASE "+storeName(n+1))
	}
	return e
}

// await asks until the answer is the one.
func (e *postgresEngine) await(statement, want string) {
	deadline := time.Now().Add(child.Patience)
	for e.primary.SQL("postgres", statement) != want {
		if time.Now().After(deadline) {
			e.t.Fatal("the standby is not synchronous")
		}
	}
}

func (e *postgresEngine) address(store string) string {
	return "postgres://signet@" + e.primary.Address() + "/" + store + "?passfile=" + e.passfile
}

// spent counts the transactions that wrote something, and the write-ahead log:
// twice, where a standby has it too.
func (e *postgresEngine) spent(_ context.Context, w *engineWorld) (s spent, err error) {
	var said string
	if err := e.t.try(func() {
		said = e.primary.SQL(w.store, "SELECT txid_snapshot_xmax(txid_current_snapshot()), pg_current_wal_insert_lsn() - '0/0', pg_database_size(current_database())")
	}); err != nil {
		return s, err
	}
	if _, err := fmt.Sscanf(strings.ReplaceAll(said, "|", " "), "%g %g %g", &s.commits, &s.written, &s.kept); err != nil {
		return s, fmt.Errorf("%q: %w", said, err)
	}
	if e.standby {
		s.written *= 2
	}
	return s, nil
}
