package prove

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"signet/prove/issuer"
)

var seed = flag.Uint64("seed", rand.Uint64(), "what the random choices begin with")

// built is where this run's binaries are.
var built string

func TestMain(m *testing.M) {
	flag.Parse()
	if path := os.Getenv(checkVariable); path != "" {
		os.Exit(checkStore(path))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "signet-prove-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = dir
	return m.Run()
}

var buildIssuer = sync.OnceValues(func() (string, error) { return issuer.Build(built, "idp") })

// newHome gives the test a fresh issuer, which does not run yet.
func newHome(t *testing.T, s issuer.Settings) issuer.Home {
	t.Helper()
	binary, err := buildIssuer()
	if err != nil {
		t.Fatal(err)
	}
	home, err := issuer.NewHome(binary, t.TempDir(), issuer.Roomy.With(s))
	if err != nil {
		t.Fatal(err)
	}
	return home
}

// roomForSome gives a store of any size a journal, in which a few keys wait.
var roomForSome = issuer.Edit{File: "data/kv/bolt/open.go", Old: "room:    room,", New: "room:    func(int64) int { return 40 },"}

// journaled gives the home an issuer whose embedded store has a journal.
func journaled(t *testing.T, home issuer.Home, edits ...issuer.Edit) issuer.Home {
	t.Helper()
	var err error
	if home.Binary, err = issuer.Build(t.TempDir(), "idp", append(edits, roomForSome)...); err != nil {
		t.Fatal(err)
	}
	return home
}

// start starts the issuer and ends it with the test. If the test fails, it
// shows the issuer's log.
func start(t *testing.T, home issuer.Home) *issuer.Process {
	t.Helper()
	p, err := home.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the issuer's log:\n%.4000s", p.Log())
		}
	})
	return p
}

// random is a source of choices that the seed and the name of the test
// decide, so that a failure can be played again as far as the machine allows.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	t.Logf("-seed %d", *seed)
	var name uint64
	for _, b := range []byte(t.Name()) {
		name = name*31 + uint64(b)
	}
	return rand.New(rand.NewPCG(*seed, name))
}
