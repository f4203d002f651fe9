package status

import (
	"context"
	"time"
)

const (
	// burst is how long changes are gathered that follow another one, at least;
	// the first is served at once.
	burst = 50 * time.Millisecond
	// bandwidth is what a list that never stops to change sends to each who
	// waits for it, in bytes a second: a long list is made less often. Half of
	// the bits are 230 KB, and are gathered for less than half a second.
	bandwidth = 512 << 10
	// keepEvery is how often it is seen to that the next list is there, and
	// that no change was missed.
	keepEvery = time.Minute
	// again is when a store that fails is asked again.
	again = time.Second
)

// Prepare sees to it that there are lists, and makes what is served first.
func (s *Service) Prepare(ctx context.Context) error { return s.update(ctx, true) }

// Run keeps what is served up to date until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	bits, stopBits := s.o.Store.StatusChanged()
	defer stopBits()
	lists, stopLists := s.o.Store.StatusListsChanged()
	defer stopLists()
	for keep := true; ctx.Err() == nil; {
		replaced := s.o.Ring.Snapshot().Changed()
		err := s.update(ctx, keep)
		s.updating.Note(ctx, s.o.Logger, "bringing the status lists up to date", err)
		keep = false
		if rest(ctx, replaced, s.gather()) {
			continue
		}
		timer := time.NewTimer(s.pause(err))
		select {
		case <-ctx.Done():
		case <-replaced:
		case <-bits:
		case <-lists:
		case <-timer.C:
			keep = true
		}
		timer.Stop()
	}
	return nil
}

// gather is how long changes are gathered.
func (s *Service) gather() time.Duration {
	size := 0
	if e := s.edition.Load(); e != nil {
		for _, l := range e.lists {
			size = max(size, len(l.document.Body))
		}
	}
	return max(burst, time.Duration(size)*time.Second/bandwidth)
}

// rest lets changes gather, and says whether a key was replaced meanwhile:
// that waits for nothing.
func rest(ctx context.Context, replaced <-chan struct{}, gather time.Duration) bool {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	case <-replaced:
		return true
	}
}

func (s *Service) update(ctx context.Context, keep bool) error {
	if keep {
		if err := s.o.Store.KeepStatusLists(ctx); err != nil {
			return err
		}
	}
	_, err := s.renew(ctx, func(*edition) bool { return false })
	return err
}

// pause is how long nothing has to be done, unless something changes.
func (s *Service) pause(err error) time.Duration {
	if err != nil {
		return again
	}
	e := s.edition.Load()
	return min(keepEvery, e.issued.Add(e.period).Sub(s.o.Now()))
}
