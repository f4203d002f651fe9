package overlay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// plain is a base that keeps its pairs in a map.
type plain map[string]string

func (p plain) Get(key []byte) ([]byte, error) {
	if v, ok := p[string(key)]; ok {
		return []byte(v), nil
	}
	return nil, nil
}

func (p plain) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	for _, k := range slices.Sorted(maps.Keys(p)) {
		if strings.HasPrefix(k, string(prefix)) && k >= string(start) && !fn([]byte(k), []byte(p[k])) {
			break
		}
	}
	return nil
}

// FuzzScan reads data as a program: three bytes a step, which say what to do,
// to which key, and for how long to scan. The first steps fill the base.
func FuzzScan(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte, inBase uint8, prefix, start string) {
		base, model := plain{}, plain{}
		tx := New(base)
		for step := range slices.Chunk(data, 3) {
			if len(step) < 3 {
				break
			}
			key := strings.Repeat(string(rune('a'+step[1]%3)), 1+int(step[1]>>6)) + string(step[1]%5)
			value := fmt.Sprint(step[2])
			switch {
			case inBase > 0:
				inBase--
				base[key], model[key] = value, value
			case step[0]%3 == 0:
				tx.Delete([]byte(key))
				delete(model, key)
			case step[0]%3 == 1:
				tx.Put([]byte(key), []byte(value))
				model[key] = value
			default:
				compare(t, tx, model, prefix, start, 1+int(step[2]%8))
			}
		}
		compare(t, tx, model, prefix, start, 1<<30)
		compare(t, tx, model, "", "", 1<<30)

		for k, v := range tx.Writes() { // what an engine merges
			if v == nil {
				delete(base, k)
			} else {
				base[k] = string(v)
			}
		}
		if !maps.Equal(base, model) {
			t.Fatalf("merged %v, want %v", base, model)
		}
	})
}

func compare(t *testing.T, got *Tx, want plain, prefix, start string, limit int) {
	t.Helper()
	g, w := take(got, prefix, start, limit), take(want, prefix, start, limit)
	if !slices.Equal(g, w) {
		t.Fatalf("prefix %q, start %q, limit %d: got %q, want %q", prefix, start, limit, g, w)
	}
}

func take(r interface {
	Scan(prefix, start []byte, fn func(key, value []byte) bool) error
}, prefix, start string, limit int) (out []string) {
	_ = r.Scan([]byte(prefix), []byte(start), func(k, v []byte) bool {
		out = append(out, string(k)+"="+string(v))
		return len(out) < limit
	})
	return out
}
