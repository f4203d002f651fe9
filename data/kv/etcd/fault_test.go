//go:build engines

package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"signet/data/kv"
	"signet/prove/engines"
)

func update(e *Engine, fn func(tx kv.Tx)) error {
	return e.Update(context.Background(), func(tx kv.Tx) error { fn(tx); return nil })
}

func put(t *testing.T, e *Engine, key, value string) {
	t.Helper()
	if err := update(e, func(tx kv.Tx) { tx.Put([]byte(key), []byte(value)) }); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, e *Engine, key string) (value string) {
	t.Helper()
	err := e.View(context.Background(), func(r kv.Reader) error {
		v, err := r.Get([]byte(key))
		value = string(v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// patience is for outside processes.
const patience = 30 * time.Second

// soon asks until it succeeds, and returns how long that took.
func soon(t *testing.T, ask func() error) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		err := ask()
		if err == nil {
			return time.Since(began)
		}
		if !errors.Is(err, kv.ErrUnavailable) || time.Since(began) > patience {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	}
}

func TestTheOnlyMemberIsKilledAndStartedAgain(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{})
	e := open(t, Options{Endpoints: c.Endpoints(), Timeout: time.Second})
	put(t, e, "k", "1")
	changed, stop := e.Watch([]byte("k"))
	defer stop()

	c.Members[0].Kill()
	began := time.Now()
	for _, err := range []error{
		update(e, func(tx kv.Tx) { tx.Put([]byte("k"), []byte("2")) }),
		e.View(context.Background(), func(r kv.Reader) error { _, err := r.Get([]byte("k")); return err }),
	} {
		if !errors.Is(err, kv.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		if strings.Contains(err.Error(), "not known") {
			t.Errorf("nothing was sent, and it says %v", err)
		}
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("two refusals took %v", took)
	}

	c.Members[0].Start()
	c.Members[0].Ready()
	t.Logf("it was away for a moment, and took writes again after %v", soon(t, func() error {
		return update(e, func(tx kv.Tx) { tx.Put([]byte("k"), []byte("3")) })
	}))
	<-changed
	if v := get(t, e, "k"); v != "3" {
		t.Errorf("it holds %q", v)
	}
}

func TestACommitThatIsNotAnsweredIsMadeOnceOrNever(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{})
	e := open(t, Options{Endpoints: c.Endpoints(), Timeout: time.Second})
	put(t, e, "n", "+")
	c.Members[0].Pause()
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		v, err := tx.Get([]byte("n")) // known
		tx.Put([]byte("n"), []byte(string(v)+"+"))
		return err
	})
	if !errors.Is(err, kv.ErrUnavailable) || !strings.Contains(err.Error(), "not known") {
		t.Fatalf("got %v", err)
	}
	c.Members[0].Resume()
	soon(t, func() error { return update(e, func(tx kv.Tx) { tx.Put([]byte("later"), []byte("1")) }) })
	if v := get(t, e, "n"); v != "+" && v != "++" {
		t.Errorf("it holds %q", v)
	}
}

// A member that is paused keeps its connections open and answers nothing.
func TestAPausedMemberHoldsNobodyUpForLong(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{Members: 3})
	e := open(t, Options{Endpoints: c.Endpoints(), Timeout: 2 * time.Second})
	put(t, e, "n", "0")
	leader := c.Leader()
	for _, m := range c.Members {
		if m != leader {
			m.Pause()
			defer m.Resume()
			break
		}
	}
	n, unknown := 0, 0
	began := time.Now()
	for time.Since(began) < pingAfter+pingWaits+3*time.Second {
		err := update(e, func(tx kv.Tx) { tx.Put([]byte("n"), []byte(fmt.Sprint(n))) })
		switch {
		case err == nil:
			n++
		case errors.Is(err, kv.ErrUnavailable):
			unknown++
		default:
			t.Fatal(err)
		}
		// Every read finds a member that answers, in the time of its caller.
		if err := e.View(context.Background(), func(r kv.Reader) error { _, err := r.Get([]byte("n")); return err }); err != nil {
			t.Fatalf("a read while one member of three is paused: %v", err)
		}
	}
	t.Logf("%d writes were answered and %d were not", n, unknown)
	for range 20 {
		if err := update(e, func(tx kv.Tx) { tx.Put([]byte("n"), []byte("x")) }); err != nil {
			t.Fatalf("the connection is known to be dead, and it says: %v", err)
		}
	}
}

// A watch on a member that is paused is given up long before its connection is
// known to be dead.
func TestAPausedMemberKeepsNobodyInTheDarkForLong(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{Members: 3})
	here := open(t, Options{Endpoints: c.Endpoints()})
	there := open(t, Options{Endpoints: c.Endpoints()})
	// It reads, too: a try that was not answered may still be on its way, and
	// must not come after all that follows.
	write := func(value string) {
		soon(t, func() error {
			return here.Update(t.Context(), func(tx kv.Tx) error {
				_, err := tx.Get([]byte("k"))
				tx.Put([]byte("k"), []byte(value))
				return err
			})
		})
	}
	for i, m := range c.Members { // one of them has the watch
		changed, stop := there.Watch([]byte("k"))
		write("before")
		<-changed
		m.Pause()
		value := fmt.Sprint(i)
		write(value)
		began := time.Now()
		if got := get(t, there, "k"); got != value {
			t.Fatalf("it holds %q, want %q", got, value)
		}
		select {
		case <-changed:
		case <-time.After(pingAfter - 2*time.Second):
			t.Errorf("member %d is paused, and nobody hears of what was written", i)
		}
		t.Logf("it was heard %v after it was written", time.Since(began))
		m.Resume()
		stop()
	}
}

func TestTheLeaderIsKilled(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{Members: 3})
	here := open(t, Options{Endpoints: c.Endpoints()})
	there := open(t, Options{Endpoints: c.Endpoints()})
	put(t, here, "k", "1")
	changed, stop := there.Watch([]byte("k"))
	defer stop()
	c.Leader().Kill()
	t.Logf("writes were taken again after %v", soon(t, func() error {
		return update(here, func(tx kv.Tx) { tx.Put([]byte("k"), []byte("2")) })
	}))
	select {
	case <-changed:
	case <-time.After(patience):
		t.Fatal("the other node's watch sleeps")
	}
	if v := get(t, there, "k"); v != "2" {
		t.Errorf("it holds %q", v)
	}
}

func TestAWatchSurvivesACompaction(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{})
	here := nodes(t, c, 1)[0]
	b := &backend{client: clientOf(t, c), prefix: "other\x00"}
	var err error
	if b.o, err = (Options{Endpoints: c.Endpoints(), Logger: slog.New(slog.DiscardHandler)}).withDefaults(); err != nil {
		t.Fatal(err)
	}
	if err := b.meet(context.Background()); err != nil {
		t.Fatal(err)
	}
	// What was told last is compacted before the watch begins, as it is for a
	// node that was cut off for long.
	for i := range 5 {
		put(t, here, "k", fmt.Sprint(i))
	}
	c.Ctl("compaction", fmt.Sprint(b.opened+4))
	told := make(chan []string, 10)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go b.Watch(ctx, func(keys []string) { told <- keys })
	if keys := <-told; keys != nil {
		t.Fatalf("told of %q, want a gap", keys)
	}
	if _, err := b.client.Put(ctx, "other\x00key", "v"); err != nil {
		t.Fatal(err)
	}
	if keys := <-told; len(keys) != 1 || keys[0] != "key" {
		t.Fatalf("told of %q", keys)
	}
}

func TestAViewWhoseRevisionIsCompactedSaysSo(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{})
	e := nodes(t, c, 1)[0]
	put(t, e, "k", "1")
	err := e.View(context.Background(), func(r kv.Reader) error {
		if _, err := r.Get([]byte("k")); err != nil {
			return err
		}
		put(t, e, "k", "2")
		put(t, e, "k", "3")
		var last int
		if _, err := fmt.Sscan(revision(c.Ctl("get", "x", "-w", "fields")), &last); err != nil {
			t.Fatal(err)
		}
		c.Ctl("compaction", fmt.Sprint(last))
		_, err := r.Get([]byte("k"))
		return err
	})
	if !errors.Is(err, kv.ErrBusy) || !strings.Contains(err.Error(), "--auto-compaction-retention") {
		t.Fatalf("got %v", err)
	}
}

// revision reads what etcdctl prints.
func revision(fields string) string {
	_, rest, _ := strings.Cut(fields, `"Revision" : `)
	number, _, _ := strings.Cut(rest, "\n")
	return number
}

func TestATransactionThatIsTooLargeIsRefusedBeforeItIsSent(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{})
	e := nodes(t, c, 1)[0]
	key := func(i int) []byte { return fmt.Appendf(nil, "k%03d", i) }
	writes := func(n int) error {
		return update(e, func(tx kv.Tx) {
			for i := range n {
				tx.Put(key(i), []byte("v"))
			}
		})
	}
	if err := errors.Join(writes(defaultOps), update(e, func(tx kv.Tx) { tx.Put(key(defaultOps), []byte("v")) })); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		err  error
		says string
	}{
		{"writes", writes(defaultOps + 1), "129 writes, and at most 128 fit (--max-txn-ops)"},
		{"reads", update(e, func(tx kv.Tx) {
			for i := range defaultOps + 1 {
				_, _ = tx.Get(key(i))
			}
			tx.Put([]byte("sum"), []byte("v"))
		}), "129 reads, and at most 128 fit (--max-txn-ops)"},
		{"a scan", update(e, func(tx kv.Tx) {
			_ = tx.Scan(nil, nil, func(_, _ []byte) bool { return true })
			tx.Put([]byte("sum"), []byte("v"))
		}), "130 reads, and at most 128 fit (--max-txn-ops)"},
		{"bytes", update(e, func(tx kv.Tx) {
			tx.Put([]byte("a"), make([]byte, 1<<20))
			tx.Put([]byte("b"), make([]byte, 1<<20))
		}), "at most 1572864 fit (--max-request-bytes)"},
	} {
		if !errors.Is(c.err, kv.ErrTooLarge) || !strings.Contains(fmt.Sprint(c.err), c.says) {
			t.Errorf("%s: got %v", c.name, c.err)
		}
	}
	if get(t, e, "a") != "" || get(t, e, "sum") != "" {
		t.Error("a part was written")
	}
}

// Members that take less than the engine was told refuse it themselves.
func TestMembersThatTakeLess(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{Flags: []string{"--max-txn-ops=8", "--max-request-bytes=65536"}})
	e := nodes(t, c, 1)[0]
	for _, err := range []error{
		update(e, func(tx kv.Tx) {
			for i := range 9 {
				tx.Put(fmt.Append(nil, i), []byte("v"))
			}
		}),
		update(e, func(tx kv.Tx) { tx.Put([]byte("a"), make([]byte, 1<<17)) }),
	} {
		if !errors.Is(err, kv.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAuthenticationAndTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	c := engines.StartEtcd(t, engines.EtcdOptions{Cert: cert, Key: key})
	secret := "s3cret-of-the-store"
	for _, line := range []string{
		"user add root:" + secret, "user grant-role root root",
		"role add signet", "role grant-permission --prefix=true signet readwrite signet/",
		"user add issuer:" + secret, "user grant-role issuer signet", "auth enable",
	} {
		c.Ctl(strings.Fields(line)...)
	}
	good := Options{Endpoints: c.Endpoints(), TLS: &tls.Config{RootCAs: pool}, Username: "issuer", Password: secret, Timeout: 2 * time.Second}
	e := open(t, good)
	put(t, e, "k", "1")
	changed, stop := e.Watch(nil)
	defer stop()
	put(t, e, "k", "2")
	<-changed

	for _, c := range []struct {
		name   string
		change func(o *Options)
		says   string
	}{
		{"a wrong password", func(o *Options) { o.Password = "another-one" }, "authentication failed"},
		{"nobody", func(o *Options) { o.Username, o.Password = "", "" }, "user name is empty"},
		{"a prefix that is not theirs", func(o *Options) { o.Prefix = "elsewhere" }, "permission denied"},
		{"an authority that is not known", func(o *Options) { o.TLS = &tls.Config{} }, "certificate"},
		{"TLS to an address without", func(o *Options) { o.Endpoints = []string{"http://127.0.0.1:1"} }, "write https"},
		{"a user without a password", func(o *Options) { o.Password = "" }, "a user name needs a password"},
	} {
		o := good
		c.change(&o)
		e, err := Open(context.Background(), o)
		if err == nil {
			_ = e.Close()
			t.Errorf("%s: opened", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "another-one") {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	began := time.Now()
	_, err := Open(context.Background(), Options{Endpoints: []string{"127.0.0.1:1"}, Timeout: time.Second})
	if !errors.Is(err, kv.ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") || time.Since(began) > 2*time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
}

func TestStoresWithDifferentPrefixesSeeNothingOfEachOther(t *testing.T) {
	c := engines.StartEtcd(t, engines.EtcdOptions{})
	stores := map[string]*Engine{}
	for _, prefix := range []string{"", "a", "a/", "a/b", "ab"} {
		stores[prefix] = open(t, Options{Endpoints: c.Endpoints(), Prefix: prefix})
		put(t, stores[prefix], "b/k", prefix+"!")
	}
	for prefix, e := range stores {
		var all []string
		err := e.View(context.Background(), func(r kv.Reader) error {
			return r.Scan(nil, nil, func(k, v []byte) bool { all = append(all, string(k)+"="+string(v)); return true })
		})
		if err != nil || len(all) != 1 || all[0] != "b/k="+prefix+"!" {
			t.Errorf("under %q there is %q, error %v", prefix, all, err)
		}
	}
}
