//go:build browser

package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signet/prove/child"
)

// patience is how long anything is waited for before a test fails.
const patience = child.Patience

// bin is the folder of the commands, built once.
var bin string

// accessTTL is short, so that tests see tokens expire for real.
const accessTTL = 3 * time.Second

// house is an issuer and a demo that trusts it, as processes of their own.
type house struct {
	t            *testing.T
	issuer, demo string // their URLs
	state        string
	env          []string
	running      *child.Process // the issuer
}

// newHouse starts both; settings, as NAME=value, are the issuer's and win over
// those that make it fit the demo.
func newHouse(t *testing.T, settings ...string) *house {
	t.Helper()
	ports := child.FreePorts(t, 2)
	for i := range ports {
		ports[i] = "localhost:" + ports[i]
	}
	h := &house{t: t, issuer: "http://" + ports[0], demo: "http://" + ports[1], state: t.TempDir()}
	h.env = append([]string{
		"SIGNET_LISTEN=" + ports[0], "SIGNET_ISSUER=" + h.issuer, "SIGNET_STATE=" + h.state,
		"SIGNET_BROWSER_ORIGINS=" + h.demo, "SIGNET_PASSWORDS_BCRYPT_COST=10",
		"SIGNET_TOKENS_ACCESS_TTL=" + accessTTL.String(), "SIGNET_KEYS_ALGS=ES256",
	}, settings...)
	h.startIssuer()
	child.Start(t, filepath.Join(bin, "demo"), []string{"--listen", ports[1], "--issuer", h.issuer}, nil, "demo listens")
	return h
}

func (h *house) startIssuer() {
	h.t.Helper()
	h.running = child.Start(h.t, filepath.Join(bin, "idp"), nil, h.env, "listening on")
}

func (h *house) stopIssuer() {
	h.t.Helper()
	h.running.Stop()
}

// idp runs a command of the issuer beside it.
func (h *house) idp(args ...string) {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), filepath.Join(bin, "idp"), args...)
	cmd.Env, cmd.Dir = append(os.Environ(), h.env...), h.state
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("idp %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
