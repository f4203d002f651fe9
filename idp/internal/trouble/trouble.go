package trouble

import (
	"context"
	"log/slog"
	"sync"
)

// Report is what became of one kind of work. The zero value is ready.
type Report struct {
	mu      sync.Mutex
	failing bool
}

// Note takes in how an attempt ended. What names the work, as in "what has
// expired is taken out". An attempt that the end of ctx cut short tells nothing.
func (r *Report) Note(ctx context.Context, log *slog.Logger, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch failing := err != nil; {
	case failing && !r.failing:
		log.Error("this fails, and is tried again: "+what, "error", err)
	case !failing && r.failing:
		log.Info("this succeeds again: " + what)
	}
	r.failing = err != nil
}
