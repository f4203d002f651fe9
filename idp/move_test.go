//go:build engines && unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/address"
	"signet/data/kv/bolt"
	kvengines "signet/data/kv/engines"
	"signet/idp/internal/config"
	"signet/prove/engines"
)

// command runs the command in a folder and returns what it printed and its
// exit code.
func command(t *testing.T, dir string, settings []string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "idp", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "SIGNET_KEYS_ALGS=ES256"), settings...)
	said, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return string(said), cmd.ProcessState.ExitCode()
}

func mustCommand(t *testing.T, dir string, settings []string, args ...string) string {
	t.Helper()
	out, code := command(t, dir, settings, args...)
	if code != exitOK {
		t.Fatalf("idp %v ended with %d: %s", args, code, out)
	}
	return out
}

// shared are the engines that issuers share: each makes two empty stores.
var shared = map[string]func(t *testing.T) (store, another string){
	"etcd": func(t *testing.T) (store, another string) {
		store = "etcd://" + strings.TrimPrefix(engines.StartEtcd(t, engines.EtcdOptions{}).Members[0].Endpoint, "http://")
		return store + "/moving", store + "/moving-too"
	},
	"postgres": func(t *testing.T) (store, another string) {
		p := engines.NewPostgres(t)
		p.SQL("postgres", "CREATE DATABASE moving")
		p.SQL("postgres", "CREATE DATABASE another")
		t.Setenv("PGPASSWORD", engines.PostgresPassword)
		store = "postgres://signet@" + p.Address() + "/"
		return store + "moving", store + "another"
	},
}

// onShared runs a test on each of them.
func onShared(t *testing.T, test func(t *testing.T, store, another string)) {
	t.Helper()
	for name, start := range shared {
		t.Run(name, func(t *testing.T) {
			store, another := start(t)
			test(t, store, another)
		})
	}
}

// A person signs in once. The store moves from a file elsewhere and back, with
// the issuer running on it when it is closed, and all tokens go on.
func TestNobodySignsInAgainWhenTheStoreMoves(t *testing.T) { onShared(t, movesThereAndBack) }

func movesThereAndBack(t *testing.T, there, another string) {
	dir := t.TempDir()
	store := func(at string) []string {
		return []string{"SIGNET_STORE=" + at, "SIGNET_KEYS_LEASE=1s", "SIGNET_KEYS_SKEW=1s", "SIGNET_LIMITS_SHUTDOWN=1s"}
	}
	p := startProcessIn(t, dir, store("")...)
	tokens := p.signUp("ada@example.com")
	jwks := p.call(http.MethodGet, "/.well-known/jwks.json", "").Body
	out, code := command(t, dir, store(""), "copy", "--to", there)
	if code != exitInUse || !strings.Contains(out, "stop it first") {
		t.Fatalf("beside an issuer it ended with %d: %s", code, out)
	}
	p.signal()
	must(t, p.drain())
	out = mustCommand(t, dir, store(""), "copy", "--to", there)
	if !strings.Contains(out, "1 user, 1 grant") {
		t.Error(out)
	}

	goesOn := func(p *process) {
		t.Helper()
		if got := p.call(http.MethodGet, "/.well-known/jwks.json", "").Body; got != jwks {
			t.Errorf("the keys are others: %s", got)
		}
		p.call(http.MethodGet, "/me", "", bearer(tokens.AccessToken)...).want(t, http.StatusOK)
		tokens = p.post("/refresh", refreshBody(tokens.RefreshToken)).want(t, http.StatusOK)
		p.call(http.MethodGet, "/me", "", bearer(tokens.AccessToken)...).want(t, http.StatusOK)
	}
	p = startProcessIn(t, dir, store(there)...)
	goesOn(p)
	// A command opens the store beside it, from a folder where no issuer runs.
	other := t.TempDir()
	key := filepath.Join(dir, "var", "master.key")
	beside := append(store(there), "SIGNET_MASTER_KEY_FILE="+key)
	mustCommand(t, other, beside, "users", "add", "ben@example.com", "--no-password")
	if out := mustCommand(t, dir, store(there), "users", "show", "ben@example.com"); !strings.Contains(out, "ben@example.com") {
		t.Error(out)
	}
	backup := filepath.Join(other, "backup")
	mustCommand(t, other, beside, "backup", backup)

	// Not over what is there, but to an empty place; the issuer goes on.
	out, code = command(t, other, beside, "restore", backup, "--force")
	if code != exitRefused || !strings.Contains(out, there+" is not empty; nothing was changed") {
		t.Errorf("over a store the restore ended with %d: %s", code, out)
	}
	elsewhere := append(store(another), "SIGNET_MASTER_KEY_FILE="+key)
	mustCommand(t, other, elsewhere, "restore", backup)
	if out := mustCommand(t, other, elsewhere, "users", "show", "ben@example.com"); !strings.Contains(out, "ben@example.com") {
		t.Error(out)
	}

	// The issuer stops by itself.
	back := "bolt:" + filepath.Join(dir, "back", "signet.db")
	out = mustCommand(t, other, beside, "copy", "--to", back)
	if !strings.Contains(out, "2 users, 1 grant") {
		t.Error(out)
	}
	p.waitForLog("the store is being copied to " + back)
	if err := p.drain(); p.cmd.ProcessState.ExitCode() != exitRefused {
		t.Errorf("the issuer ended with %v", err)
	}
	if out, code := command(t, other, beside, "users", "list"); code != exitRefused || !strings.Contains(out, "was moved to "+back) {
		t.Errorf("the old place is opened, %d: %s", code, out)
	}
	goesOn(startProcessIn(t, dir, store(back)...))
}

// A copy is killed in the middle, with the lock and without a chance to tidy up.
func TestACopyThatIsKilledGoesOn(t *testing.T) {
	t.Run("to a file", func(t *testing.T) { killed(t, "bolt:"+filepath.Join(t.TempDir(), "new.db"), 200_000) })
	onShared(t, func(t *testing.T, store, _ string) { killed(t, store, 20_000) })
}

func killed(t *testing.T, to string, pairs int) {
	dir := t.TempDir()
	mustCommand(t, dir, nil, "users", "add", "ada@example.com", "--no-password")
	fillStore(t, filepath.Join(dir, "var", "signet.db"), pairs)

	cmd := exec.CommandContext(t.Context(), "idp", "copy", "--to", to)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "SIGNET_KEYS_ALGS=ES256")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	// Both sides bear a sign from before the first pair is copied. A sign that
	// says how much has been is not the first one, which is committed then.
	for deadline, arrives := time.Now().Add(time.Minute), arrivals(t, to); !arrives(); {
		if time.Now().After(deadline) {
			t.Fatal("it never began")
		}
	}
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		t.Fatalf("it was done before it was killed: %s", &said)
	}

	for _, at := range []string{"", to} {
		settings := []string{"SIGNET_STORE=" + at, "SIGNET_LISTEN=127.0.0.1:0"}
		if out, code := command(t, dir, settings, "serve"); code == exitOK || strings.Contains(out, "listening") {
			t.Fatalf("%q is served, %d: %s", at, code, out)
		}
	}
	mustCommand(t, dir, nil, "copy", "--to", to)
	if out := mustCommand(t, dir, []string{"SIGNET_STORE=" + to}, "users", "list"); !strings.Contains(out, "ada@example.com") {
		t.Error(out)
	}
}

// arrivals tells whether some of a store has arrived.
func arrivals(t *testing.T, store string) func() bool {
	t.Helper()
	sign := []byte(`"copied":"`)
	if path, file := strings.CutPrefix(store, "bolt:"); file {
		return func() bool {
			body, err := os.ReadFile(path)
			return err == nil && bytes.Contains(body, sign)
		}
	}
	at, err := address.Parse(store)
	must(t, err)
	engine, err := kvengines.Open(t.Context(), at, kvengines.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, engine.Close()) })
	return func() (there bool) {
		must(t, engine.View(t.Context(), func(r kv.Reader) error {
			value, err := r.Get([]byte("q"))
			there = bytes.Contains(value, sign)
			return err
		}))
		return there
	}
}

// fillStore makes the copy of a store take a while.
func fillStore(t *testing.T, path string, n int) {
	t.Helper()
	engine, err := bolt.Open(path, bolt.Options{})
	must(t, err)
	must(t, engine.Update(t.Context(), func(tx kv.Tx) error {
		for i := range n {
			tx.Put(fmt.Appendf(nil, "z/full-%06d", i), []byte("a cell that nobody reads"))
		}
		return nil
	}))
	must(t, engine.Close())
}

// Issuers that start at once on an empty store are one: the same keys, the same
// store, and what one gives out the others take.
func TestIssuersThatStartAtOnceOnAnEmptyStoreAreOne(t *testing.T) { onShared(t, startAtOnce) }

func startAtOnce(t *testing.T, there, _ string) {
	dir := t.TempDir()
	const yaml = "clients:\n- {id: reports, secret: a-secret-that-is-long-enough-for-all, grant_types: [client_credentials]}\n"
	settings := func(n int) []string {
		return []string{"SIGNET_STORE=" + there, "SIGNET_STATE=" + filepath.Join(dir, fmt.Sprint("var", n)),
			"SIGNET_MASTER_KEY_FILE=" + filepath.Join(dir, "master.key")}
	}
	must(t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(yaml), 0o600))

	// None makes a master key: each would make another.
	out, code := command(t, dir, []string{"SIGNET_STORE=" + there, "SIGNET_LISTEN=127.0.0.1:0"}, "serve")
	if code != exitWrongKey || !strings.Contains(out, "idp keys new-master-key FILE") {
		t.Fatalf("without a master key it ended with %d: %s", code, out)
	}
	mustCommand(t, dir, nil, "keys", "new-master-key", "master.key")

	const nodes = 3
	begin, started := make(chan struct{}), make(chan *house, nodes)
	failed := make(chan error, nodes)
	for n := range nodes {
		c := configOf(t, yaml, settings(n)...)
		go func() {
			<-begin
			h, err := openHouse(t.Context(), c, nil, time.Now, quiet)
			if err == nil {
				err = h.store.ConfiguredClients(t.Context(), h.clients.Configured())
			}
			failed <- err
			started <- h
		}()
	}
	close(begin)
	var all []*house
	for range nodes {
		must(t, <-failed)
		h := <-started
		t.Cleanup(func() { must(t, h.Close()) })
		all = append(all, h)
	}
	for _, h := range all[1:] {
		if fmt.Sprint(h.store.Meta()) != fmt.Sprint(all[0].store.Meta()) {
			t.Errorf("two stores: %v and %v", all[0].store.Meta(), h.store.Meta())
		}
		if a, b := all[0].ring.List(), h.ring.List(); fmt.Sprint(a[0].KID, len(a)) != fmt.Sprint(b[0].KID, len(b)) {
			t.Errorf("two rings: %v and %v", a, b)
		}
		if a, b := all[0].secret.Derive("x"), h.secret.Derive("x"); a != b {
			t.Error("two secrets")
		}
	}

	// One state folder is one issuer's.
	p := startProcessIn(t, dir, settings(nodes)...)
	out, code = command(t, dir, append(settings(nodes), "SIGNET_LISTEN=127.0.0.1:0"), "serve")
	if code != exitInUse || !strings.Contains(out, "another issuer runs with the state folder") {
		t.Errorf("a second one in the folder ended with %d: %s", code, out)
	}
	if out := mustCommand(t, dir, settings(nodes), "stats"); !strings.Contains(out, "round trips to the store") {
		t.Error(out)
	}
	q := startProcessIn(t, dir, settings(nodes+1)...)
	tokens := p.signUp("ada@example.com")
	tokens = q.post("/refresh", refreshBody(tokens.RefreshToken)).want(t, http.StatusOK)
	p.call(http.MethodGet, "/me", "", bearer(tokens.AccessToken)...).want(t, http.StatusOK)
}

func configOf(t *testing.T, yaml string, settings ...string) config.Config {
	t.Helper()
	c, err := config.Parse("config.yaml", []byte(yaml), append([]string{"SIGNET_KEYS_ALGS=ES256"}, settings...))
	must(t, err)
	return c
}
