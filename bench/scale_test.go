//go:build crash

package main

import (
	"path/filepath"
	"testing"

	"signet/bench/internal/seed"
)

func scaleIsMeasured(t *testing.T, b *bench) {
	store := filepath.Join(t.TempDir(), "store")
	if err := seed.Command(t.Context(), []string{"-store", store, "-users", "50", "-grants", "100", "-clients", "5", "-audiences", "20"}); err != nil {
		t.Fatal(err)
	}
	if err := seed.Command(t.Context(), []string{"-store", store}); err == nil {
		t.Error("a store was made where there was one")
	}
	b.f.store = store
	part, err := b.scale(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := part.(*Scale)
	if len(s.Rows) < len(scaleRows) {
		t.Errorf("%d lines of %d rows", len(s.Rows), len(scaleRows))
	}
	for _, l := range s.Rows {
		if len(l.Seeded.Latencies) == 0 || len(l.Empty.Latencies) == 0 || l.Seeded.Errors+l.Empty.Errors > 0 {
			t.Errorf("%s on %d: %s", l.Row, l.Conns, failures(l.Seeded, l.Empty))
		}
	}
	if s.Seeded.Grants != 100 || s.Start.Seeded <= 0 || s.Backup.Bytes == 0 {
		t.Errorf("%+v", s)
	}
}
