package keys

import (
	"context"
	"fmt"
	"sync"
)

// spares are keys that were made, and sealed, before they are needed. One
// that lost its turn to another node's waits here for the next.
type spares struct {
	generate func(Alg) (fresh, error)
	want     chan struct{} // capacity one: some may be missing

	mu    sync.Mutex
	ready map[Alg][]fresh
	short map[Alg]int // how many a decision lacked
	epoch int         // counts the master keys
}

// taking is what one attempt took.
type taking struct {
	from  *spares
	taken map[Alg][]fresh
	short map[Alg]int
}

func (s *spares) take() *taking {
	return &taking{from: s, taken: map[Alg][]fresh{}, short: map[Alg]int{}}
}

// next is a taker. Where nothing is left it returns an empty key and
// remembers, so that the attempt comes to nothing.
func (t *taking) next(alg Alg) fresh {
	t.from.mu.Lock()
	defer t.from.mu.Unlock()
	left := t.from.ready[alg]
	if len(left) == 0 {
		t.short[alg]++
		return fresh{}
	}
	t.from.ready[alg] = left[1:]
	t.taken[alg] = append(t.taken[alg], left[0])
	return left[0]
}

// missing tells the spares what was short, and returns errMissing if
// something was.
func (t *taking) missing() error {
	if len(t.short) == 0 {
		return nil
	}
	t.from.mu.Lock()
	t.from.short = map[Alg]int{}
	for alg, n := range t.short {
		t.from.short[alg] = n + len(t.taken[alg]) // giveBack returns the others
	}
	t.from.mu.Unlock()
	t.from.signal()
	return errMissing
}

func (t *taking) giveBack() {
	t.from.mu.Lock()
	defer t.from.mu.Unlock()
	if t.from.ready == nil {
		t.from.ready = map[Alg][]fresh{}
	}
	for alg, keys := range t.taken {
		t.from.ready[alg] = append(t.from.ready[alg], keys...)
	}
	clear(t.taken)
}

func (s *spares) signal() {
	select {
	case s.want <- struct{}{}:
	default:
	}
}

// fill makes what the last decision lacked.
func (s *spares) fill(ctx context.Context) error {
	s.mu.Lock()
	short := s.short
	s.short = nil
	s.mu.Unlock()
	for alg, n := range short {
		if err := s.upTo(ctx, alg, n); err != nil {
			return err
		}
	}
	return nil
}

// stock makes one spare for each line, and what the last decision lacked.
func (s *spares) stock(ctx context.Context, lines []Alg) error {
	for _, alg := range lines {
		if err := s.upTo(ctx, alg, 1); err != nil {
			return err
		}
	}
	return s.fill(ctx)
}

func (s *spares) upTo(ctx context.Context, alg Alg, n int) error {
	for {
		s.mu.Lock()
		have, epoch := len(s.ready[alg]), s.epoch
		s.mu.Unlock()
		if have >= n {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("keys: make a %s key: %w", alg, err)
		}
		f, err := s.generate(alg)
		if err != nil {
			return err
		}
		s.put(alg, f, epoch)
	}
}

func (s *spares) put(alg Alg, f fresh, epoch int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		return
	}
	if s.ready == nil {
		s.ready = map[Alg][]fresh{}
	}
	s.ready[alg] = append(s.ready[alg], f)
}

// empty throws the spares away: they are sealed under another master key.
func (s *spares) empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.ready)
	s.epoch++
}
