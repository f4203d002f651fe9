//go:build engines && unix

package cluster

import (
	"errors"
	"testing"

	"signet/prove/history"
	"signet/prove/issuer"
)

// Issuers whose transactions do not compare what they read lose turns to each
// other, and without any fault the history of their clients is impossible: what
// judges the others notices more than what is broken on purpose in its own tests.
func TestIssuersThatLoseUpdatesAreNoticed(t *testing.T) {
	e := startEtcd(t)
	binary, err := issuer.Build(t.TempDir(), "idp", issuer.Edit{
		File: "data/kv/etcd/commit.go", Old: "Txn(ctx).If(checks...)", New: "Txn(ctx).If(checks[:0]...)",
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newClusterOf(t, binary, e, issuer.Settings{"tokens.refresh_grace": "0s"})
	w := newCrew(t, c, history.Rules{}, random(t))
	var violation *history.ViolationError
	w.goOn(t, 4*steps)
	w.stop()
	if !errors.As(w.history.Check(w.rules, patience), &violation) {
		t.Fatal("nobody noticed")
	}
	t.Log(violation)
}
