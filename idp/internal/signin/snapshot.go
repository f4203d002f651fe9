package signin

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// maxSaved bounds how many counters of each kind are written. Those that say
// most are kept; the rest begin anew after a restart.
const maxSaved = 4096

// snapshot is the counters as they are stored. Times are in Unix milliseconds.
type snapshot struct {
	V             int             `json:"v"`
	Places        []storedStrikes `json:"places,omitzero"`
	Accounts      []storedStrikes `json:"accounts,omitzero"`
	Networks      []storedBucket  `json:"networks,omitzero"`
	Registrations []storedBucket  `json:"registrations,omitzero"`
}

type storedStrikes struct {
	Key  tag   `json:"key"`
	N    int   `json:"n"`
	Last int64 `json:"last"`
}

type storedBucket struct {
	Key  tag   `json:"key"`
	Full int64 `json:"full"`
}

// save writes down the counters that hold anyone up. The order is fixed, so
// that equal counters are equal bytes.
func (t *throttle) save(now time.Time) ([]byte, error) {
	holds := func(s strikes) bool { return s.n >= t.o.Free }
	owes := func(b bucket) bool { return b.full.After(now) }
	t.mu.Lock()
	places, accounts := collect(t.places, holds), collect(t.accounts, holds)
	networks, registrations := collect(t.networks, owes), collect(t.registrations, owes)
	t.mu.Unlock()

	body, err := json.Marshal(snapshot{
		V:             1,
		Places:        store(places, storeStrikes),
		Accounts:      store(accounts, storeStrikes),
		Networks:      store(networks, storeBucket),
		Registrations: store(registrations, storeBucket),
	})
	if err != nil {
		return nil, fmt.Errorf("signin: writing the counters: %w", err)
	}
	return body, nil
}

type entry[T any] struct {
	key   tag
	rank  int64
	value T
}

// collect copies the counters that are worth keeping; sorting them can wait
// until nobody is held up by it.
func collect[T interface{ rank() int64 }](from table[T], worth func(T) bool) (all []entry[T]) {
	for key, value := range from.m {
		if worth(value) {
			all = append(all, entry[T]{key, value.rank(), value})
		}
	}
	return all
}

// store keeps the counters of the highest rank.
func store[T, S any](all []entry[T], as func(tag, T) S) (stored []S) {
	slices.SortFunc(all, func(a, b entry[T]) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), bytes.Compare(a.key[:], b.key[:]))
	})
	for _, e := range all[:min(len(all), maxSaved)] {
		stored = append(stored, as(e.key, e.value))
	}
	return stored
}

func storeStrikes(key tag, s strikes) storedStrikes {
	return storedStrikes{key, s.n, s.last.UnixMilli()}
}
func storeBucket(key tag, b bucket) storedBucket { return storedBucket{key, b.full.UnixMilli()} }

// load takes the counters over that save wrote down.
func (t *throttle) load(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	var s snapshot
	if err := json.Unmarshal(body, &s); err != nil || s.V != 1 {
		return fmt.Errorf("signin: the stored counters cannot be read (version %d)", s.V)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	loadStrikes := func(into *table[strikes], from []storedStrikes) {
		for _, c := range from {
			setStrikes(into, c.Key, strikes{c.N, time.UnixMilli(c.Last)})
		}
	}
	loadBuckets := func(into *table[bucket], from []storedBucket) {
		for _, c := range from {
			into.put(c.Key, bucket{time.UnixMilli(c.Full)})
		}
	}
	loadStrikes(&t.places, s.Places)
	loadStrikes(&t.accounts, s.Accounts)
	loadBuckets(&t.networks, s.Networks)
	loadBuckets(&t.registrations, s.Registrations)
	return nil
}

// sweep drops the counters that are forgotten.
func (t *throttle) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	gone := func(_ tag, s strikes) bool { return s.settled(now, t.o.forget()).n == 0 }
	empty := func(_ tag, b bucket) bool { return !b.full.After(now) }
	maps.DeleteFunc(t.places.m, gone)
	maps.DeleteFunc(t.accounts.m, gone)
	maps.DeleteFunc(t.networks.m, empty)
	maps.DeleteFunc(t.registrations.m, empty)
	maps.DeleteFunc(t.requests.m, empty)
}
