package grant

import (
	"context"
	"testing"

	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
)

// What an issuer that has seen nothing pays for a token.
func TestHowOftenTheStoreIsAskedAboutAToken(t *testing.T) {
	turn := func(w *world, text string) error { _, err := w.Turn(w.t.Context(), text, nil); return err }
	end := func(w *world, text string) error { _, err := w.End(w.t.Context(), text, nil); return err }
	read := func(w *world, text string) error { _, _, err := w.Read(w.t.Context(), text); return err }
	short := func(w *world, text string) string { return w.short(mustParse(w.t, text)) }
	stale := func(w *world, text string) string {
		tok := mustParse(w.t, text)
		tok.hint[0] ^= 1
		return w.forge(tok)
	}
	for _, c := range []struct {
		name string
		text func(*world, string) string // that is presented in place of the one; nil: that one
		do   func(*world, string) error
		want int
	}{
		{"a refresh", nil, turn, 2},
		{"an end", nil, end, 2},
		{"a look", nil, read, 1},
		{"a refresh without a hint", short, turn, 3},
		{"an end without a hint", short, end, 3},
		{"a look without a hint", short, read, 2},
		{"a refresh whose hint is of somebody else", stale, turn, 3},
		{"an end whose hint is of somebody else", stale, end, 3},
		{"a look whose hint is of somebody else", stale, read, 2},
		{"an end by its id", nil, func(w *world, text string) error {
			_, err := w.EndByID(w.t.Context(), mustParse(w.t, text).grant, w.user.ID)
			return err
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &kvtest.Far{Engine: mem.New()}
			w := newWorld(t, f, testPolicy)
			text := w.start()
			if c.text != nil {
				text = c.text(w, text)
			}
			must(t, c.do(w, text))
			if f.Trips != c.want {
				t.Errorf("%d round trips, want %d", f.Trips, c.want)
			}
		})
	}
}

// forge gives the token the MAC that is right for what it says.
func (w *world) forge(tok token) string {
	w.t.Helper()
	g, _, err := w.store.Grant(context.Background(), tok.grant, "")
	must(w.t, err)
	tok.key = g.MACKey
	tok.mac, err = w.macs.SumWith(tok.key, message(g.Inc, tok, g.Salt))
	must(w.t, err)
	return string(tok.text())
}

// short is the token as it was before there were hints.
func (w *world) short(tok token) string {
	tok.short, tok.hint = true, hint{}
	return w.forge(tok)
}
