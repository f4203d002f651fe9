package grant

import (
	"context"
	"testing"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// far is an engine whose store is elsewhere, as an issuer meets it that has
// nothing in its memory: each read of a key is a way there and back, but for
// what was asked for before, and so is the commit. What was read at one moment
// and changes nothing needs none.
type far struct {
	kv.Engine
	trips int // of the last transaction
}

func (f *far) Update(ctx context.Context, fn func(kv.Tx) error) error {
	return f.Engine.Update(ctx, func(tx kv.Tx) error {
		t := &farTx{Tx: tx, farReader: farReader{tx, &f.trips, map[string]bool{}}}
		f.trips = 0
		err := fn(t)
		if t.wrote || f.trips > 1 {
			f.trips++
		}
		return err
	})
}

func (f *far) View(ctx context.Context, fn func(kv.Reader) error) error {
	return f.Engine.View(ctx, func(r kv.Reader) error {
		f.trips = 0
		return fn(&farReader{r, &f.trips, map[string]bool{}})
	})
}

type farReader struct {
	kv.Reader
	trips *int
	here  map[string]bool
}

func (r *farReader) Ask(keys ...[]byte) {
	*r.trips++
	for _, key := range keys {
		r.here[string(key)] = true
	}
}

func (r *farReader) Get(key []byte) ([]byte, error) {
	if !r.here[string(key)] {
		*r.trips++
		r.here[string(key)] = true
	}
	return r.Reader.Get(key)
}

type farTx struct {
	kv.Tx
	farReader
	wrote bool
}

func (t *farTx) Get(key []byte) ([]byte, error) { return t.farReader.Get(key) }
func (t *farTx) Put(key, value []byte)          { t.wrote = true; t.Tx.Put(key, value) }
func (t *farTx) Delete(key []byte)              { t.wrote = true; t.Tx.Delete(key) }
func (t *farTx) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	*t.trips++
	return t.Tx.Scan(prefix, start, fn)
}

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
			f := &far{Engine: mem.New()}
			w := newWorld(t, f, testPolicy)
			text := w.start()
			if c.text != nil {
				text = c.text(w, text)
			}
			must(t, c.do(w, text))
			if f.trips != c.want {
				t.Errorf("%d round trips, want %d", f.trips, c.want)
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

var _ kv.Asker = (*farTx)(nil)
