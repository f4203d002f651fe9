package bolt

import (
	"sync"

	"signet/data/kv"
)

// queue is where writers wait for the next group.
type queue struct {
	mu      sync.Mutex
	waiting []*writer
	refuse  error // for those who come now
	closed  bool
	wake    chan struct{} // capacity one
}

// refusal is why no writer may come, or nil.
func (q *queue) refusal() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refused()
}

func (q *queue) refused() error {
	if q.closed {
		return kv.ErrClosed
	}
	return q.refuse
}

func (q *queue) add(w *writer) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refused(); err != nil {
		return err
	}
	q.waiting = append(q.waiting, w)
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for writers and returns all of them, or nil once the queue is
// closed and empty.
func (q *queue) take() []*writer {
	for {
		q.mu.Lock()
		group, closed := q.waiting, q.closed
		q.waiting = nil
		q.mu.Unlock()
		if len(group) > 0 || closed {
			return group
		}
		<-q.wake
	}
}

// close refuses new writers and says whether the queue was open.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	q.signal()
	return true
}
