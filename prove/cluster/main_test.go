//go:build engines && unix

package cluster

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"signet/prove/issuer"
)

var (
	seed       = flag.Uint64("seed", rand.Uint64(), "what the random choices begin with")
	namespaces = flag.Bool("namespaces", false, "give each member of etcd a network of its own, and cut that, too; needs root")
	rounds     = flag.Int("rounds", 1, "how often each kind of fault hits each cluster")
)

// patience bounds whatever a test waits for.
const patience = time.Minute

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// built is where this run's binary is.
var built string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "signet-cluster-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = dir
	return m.Run()
}

var buildIssuer = sync.OnceValues(func() (string, error) { return issuer.Build(built, "idp") })

// random is a source of choices that the seed and the name of the test decide,
// so that a failure can be played again as far as the machine allows.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	t.Logf("-seed %d", *seed)
	var name uint64
	for _, b := range []byte(t.Name()) {
		name = name*31 + uint64(b)
	}
	return rand.New(rand.NewPCG(*seed, name))
}

// until asks every few milliseconds whether it is so.
func until(ctx context.Context, t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for !so() {
		select {
		case <-every.C:
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
