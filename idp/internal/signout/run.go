package signout

import (
	"context"
	"fmt"
	"time"
)

const (
	// settle leaves what was just noted to the request that noted it.
	settle = 2 * time.Second
	// again is when what failed is tried again.
	again = 30 * time.Second
	// atOnce is how many are read at once.
	atOnce = 200
)

// Run finishes the sign-outs that nobody else does: of a cookie that was
// copied, of an account that made room for another, and those that a kill cut
// off. It returns when ctx ends.
func (s *Service) Run(ctx context.Context) error {
	changed, stop := s.o.Store.EndingsChanged()
	defer stop()
	for {
		wait := time.Hour
		if !s.catchUp(ctx) {
			wait = again
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-changed:
			timer.Reset(settle)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// catchUp finishes what is there, and tells whether all of it could be done.
// One that fails holds up nobody of the same page.
func (s *Service) catchUp(ctx context.Context) (done bool) {
	for {
		list, err := s.o.Store.Endings(ctx, atOnce)
		s.reading.Note(ctx, s.o.Logger, "reading which sign-outs are to be finished", err)
		if err != nil {
			return false
		}
		var failed error
		for _, e := range list {
			if _, err := s.finish(ctx, e.Account); err != nil {
				failed = fmt.Errorf("of user %s: %w", e.Account.User, err)
			}
		}
		s.finishing.Note(ctx, s.o.Logger, "finishing a sign-out", failed)
		done := failed == nil
		if !done || len(list) < atOnce {
			return done
		}
	}
}
