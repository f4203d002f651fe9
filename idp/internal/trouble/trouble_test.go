package trouble

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestAnOutageIsTwoLines(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	var r Report
	ended, end := context.WithCancel(t.Context())
	end()
	away := errors.New("away")
	for _, err := range []error{nil, nil, away, away, away, nil, nil} {
		r.Note(t.Context(), log, "the sweep", err)
		r.Note(ended, log, "the sweep", away) // tells nothing
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "fails") || !strings.Contains(lines[0], "away") || !strings.Contains(lines[1], "succeeds again") {
		t.Errorf("got %q", lines)
	}
}
