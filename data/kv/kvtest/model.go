package kvtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signet/data/kv"
)

// model is what a store should be: a map.
type model map[string]string

func (m model) scan(prefix, start string) []string {
	out := []string{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if strings.HasPrefix(k, prefix) && k >= start {
			out = append(out, k+"="+m[k])
		}
	}
	return out
}

// op is one step of a random transaction.
type op struct {
	Kind       int
	Key, Value string
}

const (
	opGet = iota
	opPut
	opDelete
	opScan
)

// agreesWithMap runs random transactions, of which some fail, on the engine
// and on a map. The keys are few and share prefixes, so that they meet.
func agreesWithMap(t *testing.T, e kv.Engine) {
	key := rapid.StringMatching(`[ab]{1,3}|[ab]{1,2}\xff`)
	step := rapid.Custom(func(t *rapid.T) op {
		o := op{Kind: rapid.IntRange(opGet, opScan).Draw(t, "kind"), Key: key.Draw(t, "key")}
		switch o.Kind {
		case opPut:
			o.Value = rapid.StringMatching(`[x-z]{1,4}`).Draw(t, "value")
		case opScan:
			o.Value = rapid.SampledFrom([]string{"", "a", "b", "ab", "bb"}).Draw(t, "start")
		}
		return o
	})
	rapid.Check(t, func(rt *rapid.T) {
		committed := model{}
		update(rt, e, func(tx kv.Tx) { // the engine outlives each check
			for _, pair := range scan(rt, tx, "", "") {
				k, _, _ := strings.Cut(pair, "=")
				tx.Delete([]byte(k))
			}
		})
		for range rapid.IntRange(1, 4).Draw(rt, "transactions") {
			steps := rapid.SliceOfN(step, 1, 12).Draw(rt, "steps")
			fails := rapid.IntRange(0, 3).Draw(rt, "fails") == 0
			var after model
			err := e.Update(context.Background(), func(tx kv.Tx) error {
				after = maps.Clone(committed) // it may run more than once
				for _, o := range steps {
					apply(rt, tx, after, o)
				}
				if fails {
					return errWanted
				}
				return nil
			})
			switch {
			case fails && err != errWanted, !fails && err != nil:
				rt.Fatalf("got %v, fails is %v", err, fails)
			case !fails:
				committed = after
			}
			holds(rt, e, committed.scan("", "")...)
		}
	})
}

func apply(t rapid.TB, tx kv.Tx, m model, o op) {
	switch o.Kind {
	case opGet:
		want, ok := m[o.Key]
		if !ok {
			want = "-"
		}
		same(t, []string{get(t, tx, o.Key)}, []string{want})
	case opPut:
		tx.Put([]byte(o.Key), []byte(o.Value))
		m[o.Key] = o.Value
	case opDelete:
		tx.Delete([]byte(o.Key))
		delete(m, o.Key)
	case opScan:
		same(t, scan(t, tx, o.Key[:1], o.Value), m.scan(o.Key[:1], o.Value))
	}
}
