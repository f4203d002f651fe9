package mem

import (
	"fmt"

	"signet/data/kv"
)

// The limits are those of etcd, less what its messages have beside the keys and
// values.
const (
	maxOps   = 128
	maxBytes = 1400 << 10
)

// Limits is described by kv.Engine.
func (e *Engine) Limits() kv.Limits { return kv.Limits{Ops: maxOps, Bytes: maxBytes} }

// use is what a transaction does with a key.
type use struct {
	read, written bool
	value         int // bytes
}

// A View counts nothing: it has no map.

func (t *tx) reads(key string) {
	if t.used != nil && !t.used[key].written {
		u := t.used[key]
		u.read = true
		t.used[key] = u
	}
}

func (t *tx) writes(key string, value int) {
	if t.used != nil {
		u := t.used[key]
		u.written, u.value = true, value
		t.used[key] = u
	}
}

// fits refuses what an engine may refuse.
func (t *tx) fits() error {
	reads, writes, bytes := t.scans, 0, 0
	for key, u := range t.used {
		bytes += len(key) + u.value
		if u.read {
			reads++
		}
		if u.written {
			writes++
		}
	}
	if reads > maxOps || writes > maxOps || bytes > maxBytes {
		return fmt.Errorf("mem: %w: %d reads, %d writes and %d bytes", kv.ErrTooLarge, reads, writes, bytes)
	}
	return nil
}
