package signin

import (
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
	t.mu.Lock()
	s := snapshot{V: 1}
	s.Places = storeStrikes(t.places, t.o.Free)
	s.Accounts = storeStrikes(t.accounts, t.o.Free)
	s.Networks = storeBuckets(t.networks, now)
	s.Registrations = storeBuckets(t.registrations, now)
	t.mu.Unlock()
	body, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("signin: writing the counters: %w", err)
	}
	return body, nil
}

// heaviest lists the keys of the counters of the highest rank.
func heaviest[T interface{ rank() int64 }](from table[T], worth func(T) bool) []tag {
	keys := make([]tag, 0, len(from.m))
	for key, value := range from.m {
		if worth(value) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b tag) int {
		return cmp.Or(cmp.Compare(from.m[b].rank(), from.m[a].rank()), slices.Compare(a[:], b[:]))
	})
	return keys[:min(len(keys), maxSaved)]
}

func storeStrikes(from table[strikes], free int) (all []storedStrikes) {
	for _, key := range heaviest(from, func(s strikes) bool { return s.n >= free }) {
		all = append(all, storedStrikes{key, from.m[key].n, from.m[key].last.UnixMilli()})
	}
	return all
}

func storeBuckets(from table[bucket], now time.Time) (all []storedBucket) {
	for _, key := range heaviest(from, func(b bucket) bool { return b.full.After(now) }) {
		all = append(all, storedBucket{key, from.m[key].full.UnixMilli()})
	}
	return all
}

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
}
