//go:build crash

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each engine that is installed is asked for a blink; the others are left out.
func enginesAreMeasured(t *testing.T, b *bench) {
	for dir := b.dir; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL is another user where we are root
			t.Fatal(err)
		}
	}
	part, err := b.engines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := part.(*Engines)
	kinds := map[string]int{}
	for _, kind := range engineKinds {
		kinds[kind.name] = kind.issuers
	}
	for _, o := range e.LeftOut {
		t.Logf("%s is left out: %s", o.Row, o.Why)
		delete(kinds, o.Row)
	}
	want := 0
	for _, issuers := range kinds {
		want += issuers * len(engineRows)
	}
	if len(e.Lines) != want || len(e.First) != len(kinds)-1 || kinds[onBolt] != 1 {
		t.Errorf("%d lines and %d first sights of %v", len(e.Lines), len(e.First), kinds)
	}
	for _, l := range e.Lines {
		if len(l.Sample.Latencies) == 0 || l.Sample.Errors+l.Sample.Busy > 0 {
			t.Errorf("%s, %d issuers, %s: %d answered, %s", l.Engine, l.Issuers, l.Row, len(l.Sample.Latencies), failures(l.Sample))
		}
		if c := l.Cost; l.Row == turnsRow && (c.Transactions < 0.5 || c.Commits == 0 || l.Engine != onBolt && c.Trips < 0.5) {
			t.Errorf("%s, %d issuers: a refresh costs %+v", l.Engine, l.Issuers, c)
		}
	}
}
