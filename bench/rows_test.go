//go:build crash

package main

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A run in which nothing is measured shows that all requests are answered as
// they should be, by Signet, by the floor and by another provider.
func TestTheBench(t *testing.T) {
	b, err := newBench(flags{seconds: 0.05, rounds: 1, tokens: 200, dir: t.TempDir()}, []int{2})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	t.Run("every row is answered by Signet and by the floor", func(t *testing.T) { everyRow(t, b) })
	t.Run("memory is looked at", func(t *testing.T) { memoryIsLookedAt(t, b) })
	t.Run("a seeded store is measured beside an empty one", func(t *testing.T) { scaleIsMeasured(t, b) })
	t.Run("each engine is measured", func(t *testing.T) { enginesAreMeasured(t, b) })
	t.Run("Signet is a provider like any other", func(t *testing.T) { signetAgainst(t, b) })
	t.Run("another provider is measured", func(t *testing.T) { anotherProvider(t, b) })
	t.Run("what another provider does wrong is counted", func(t *testing.T) { wrongProvider(t, b) })
}

func everyRow(t *testing.T, b *bench) {
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			lines, err := b.measure(t.Context(), row)
			if err != nil || len(lines) == 0 {
				t.Fatalf("%d lines, %v", len(lines), err)
			}
			for _, l := range lines {
				answered(t, l)
				if !l.Cost.Known || l.Cost.Allocs < 0 || l.Cost.Commits < 0 {
					t.Errorf("on %d: the cost is %+v", l.Conns, l.Cost)
				}
			}
		})
	}
}

// answered says what is wrong with a line, apart from times.
func answered(t *testing.T, l Line) {
	t.Helper()
	for side, s := range map[string]struct{ n, failed int }{
		"measured": {len(l.Measured.Latencies), l.Measured.Errors + l.Measured.Busy}, "floor": {len(l.Floor.Latencies), l.Floor.Errors + l.Floor.Busy},
	} {
		if s.n == 0 || s.failed > 0 {
			t.Errorf("%s on %d, %s: %d answered, %s", l.Row, l.Conns, side, s.n, failures(l.Measured, l.Floor))
		}
	}
}

func memoryIsLookedAt(t *testing.T, b *bench) {
	part, err := b.memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m := part.(*Memories); m.Tokens != b.f.tokens || m.Idle.Resident > 0 && (m.First.Anonymous == 0 || m.Second.Anonymous == 0) {
		t.Errorf("%+v", m)
	}
}

// What is measured with -against is the same as without it.
func signetAgainst(t *testing.T, b *bench) {
	stage, err := b.stage(t.Context(), "ES256", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stage.end()
	known := ours(stage.Signet)
	if known.RefreshTokens, err = stage.grants(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(known)
	if err != nil {
		t.Fatal(err)
	}
	measuresAgainst(t, b, write(t, "signet.yaml", string(text)), "jwks", "discovery", "statuslist", "credentials-ES256", "refresh-ES256-id",
		"introspect-seen", "introspect-first", "userinfo-seen", "userinfo-first", "revoke")
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// measuresAgainst fails unless these rows are measured, and no others.
func measuresAgainst(t *testing.T, b *bench, against string, want ...string) {
	t.Helper()
	r := runAgainst(t, b, against, func(string) bool { return true })
	var got []string
	for _, l := range r.Rows {
		answered(t, l)
		got = append(got, l.Row)
	}
	if !slices.Equal(got, want) {
		t.Errorf("measured were %v, want %v; left out %v", got, want, r.LeftOut)
	}
}

func anotherProvider(t *testing.T, b *bench) {
	f := newFake(t)
	server := httptest.NewServer(f)
	defer server.Close()
	f.url = server.URL
	file := write(t, "fake.json", fmt.Sprintf(`{"discovery": "%s/metadata", "client_id": "c", "client_secret": "s",
		"token_endpoint_auth_method": "client_secret_post", "refresh_tokens": ["refresh-0", "refresh-1"]}`, f.url))
	measuresAgainst(t, b, file, "jwks", "discovery", "credentials-ES256", "refresh-ES256",
		"introspect-seen", "introspect-first", "userinfo-seen", "userinfo-first")

	// By its URL alone, nothing is known but what anybody may see.
	f.metadata = "/.well-known/openid-configuration"
	measuresAgainst(t, b, f.url, "jwks", "discovery")
}

func wrongProvider(t *testing.T, b *bench) {
	f := newFake(t)
	f.stuck = true
	server := httptest.NewServer(f)
	defer server.Close()
	f.url, f.metadata = server.URL, "/.well-known/openid-configuration"
	r := runAgainst(t, b, strings.Replace(f.url, "http://", "http://c:s@", 1), func(name string) bool { return name == "credentials-ES256" })
	if len(r.Rows) != 1 || r.Rows[0].Measured.Errors == 0 || !errors.Is(r.Rows[0].Measured.First, errTwice) {
		t.Errorf("%+v", r.Rows)
	}
}

// runAgainst runs the rows with -against.
func runAgainst(t *testing.T, b *bench, name string, wanted func(string) bool) (r Report) {
	t.Helper()
	var err error
	if b.against, err = readProvider(name); err != nil {
		t.Fatal(err)
	}
	defer func() { b.against = nil }()
	if err := b.measureAll(t.Context(), wanted, &r); err != nil {
		t.Fatal(err)
	}
	return r
}
