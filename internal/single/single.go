package single

import (
	"context"
	"sync"
)

// Lane is where they wait. The zero value is ready.
type Lane struct {
	once sync.Once
	free chan struct{} // holds one token: the right to go on

	mu     sync.Mutex
	failed int // how often
	why    error
}

// Enter waits for its turn, which leave ends; leave is told what became of it.
// It fails with what one failed with that was before it meanwhile, or with the
// end of ctx.
func (l *Lane) Enter(ctx context.Context) (leave func(error), err error) {
	l.once.Do(func() { l.free = make(chan struct{}, 1) })
	before, _ := l.failures()
	select {
	case l.free <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if now, why := l.failures(); now != before {
		<-l.free
		return nil, why
	}
	return l.leave, nil
}

func (l *Lane) failures() (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed, l.why
}

func (l *Lane) leave(err error) {
	if err != nil {
		l.mu.Lock()
		l.failed++
		l.why = err
		l.mu.Unlock()
	}
	<-l.free
}
