package signin

import "time"

// strikes counts the wrong passwords for one account from one place, or for
// one account from everywhere.
type strikes struct {
	n    int
	last time.Time // of the latest
}

// wait is how long the next guess is off: nothing for the first ones, then
// first, doubling up to most. It is never longer than most, whatever the clock
// does.
func (s strikes) wait(now time.Time, free int, first, most time.Duration) time.Duration {
	if s.n < free {
		return 0
	}
	delay := first
	for range min(s.n-free, 62) {
		if delay >= most/2 {
			delay = most
			break
		}
		delay *= 2
	}
	return max(0, min(delay, most)-elapsed(s.last, now))
}

// settled brings the counter to now: a clock that jumped back must not keep
// anyone waiting for the time that it lost, and what is long ago is forgotten.
func (s strikes) settled(now time.Time, forget time.Duration) strikes {
	if s.last.After(now) {
		s.last = now
	}
	if s.n <= 0 || elapsed(s.last, now) >= forget {
		return strikes{}
	}
	return s
}

func (s strikes) rank() int64 { return int64(s.n) }

// bucket limits what one network may do: so many at once, and one more every
// so often. full is when all that was taken will have been earned again.
type bucket struct {
	full time.Time
}

// wait is how long until one more may be taken; at most every.
func (b bucket) wait(now time.Time, burst int, every time.Duration) time.Duration {
	return max(0, min(every, b.full.Sub(now)-time.Duration(burst-1)*every))
}

// settled is what the bucket is at now. It never owes more than its size,
// which is where a clock that jumped back would leave it.
func (b bucket) settled(now time.Time, burst int, every time.Duration) bucket {
	if b.full.Before(now) {
		return bucket{now}
	}
	if most := now.Add(time.Duration(burst) * every); b.full.After(most) {
		return bucket{most}
	}
	return b
}

func (b bucket) rank() int64 { return b.full.UnixNano() }

// elapsed is the time since, and never negative.
func elapsed(since, now time.Time) time.Duration { return max(0, now.Sub(since)) }

// table keeps at most max counters of a kind.
type table[T interface{ rank() int64 }] struct {
	max int
	m   map[tag]T
}

func newTable[T interface{ rank() int64 }](most int) table[T] {
	return table[T]{max: most, m: make(map[tag]T)}
}

// sample is how many counters are looked at to find one to drop.
const sample = 32

// put sets a counter. In a full table one of low rank makes room, so that who
// floods the table with single guesses washes out other single guesses and no
// account that is under attack: for that, every new counter would have to be
// struck as often, and each strike is a password that was hashed.
func (t *table[T]) put(key tag, value T) {
	if _, there := t.m[key]; !there && len(t.m) >= t.max {
		t.drop()
	}
	t.m[key] = value
}

func (t *table[T]) drop() {
	var lowest tag
	var rank int64
	seen := 0
	for key, value := range t.m { // begins anywhere
		if r := value.rank(); seen == 0 || r < rank {
			lowest, rank = key, r
		}
		if seen++; seen == sample {
			break
		}
	}
	delete(t.m, lowest)
}
