package resource

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Replays remembers which DPoP proofs were seen. One that is shared, a table of
// a database with a unique key, lets nodes behind one URL know what the others
// have seen. It is used by many goroutines.
type Replays interface {
	// Remember notes id until the given time, and tells whether that is the
	// first time. Of any number of callers with one id, one hears so. When it
	// cannot tell it returns an error, and the request is refused.
	Remember(ctx context.Context, id [32]byte, until time.Time) (fresh bool, err error)
}

var errFull = errors.New("too many proofs at once")

// memory is Replays of one node. It holds two generations, each filled for one
// span; since nothing has to be remembered for longer than that, the old one
// can go when the young one becomes the old one. There is no clock an entry.
type memory struct {
	room int
	span time.Duration
	now  func() time.Time

	mu         sync.Mutex
	young, old map[[16]byte]struct{}
	born       time.Time // when young began
}

func newMemory(room int, span time.Duration, now func() time.Time) *memory {
	return &memory{room: room, span: span, now: now, young: make(map[[16]byte]struct{}), born: now()}
}

// Remember never forgets to make room: a proof that is forgotten while it is
// good can be replayed. Half of the hash is enough: the other half of a pair
// would have to be found by the one who loses by it.
func (m *memory) Remember(_ context.Context, id [32]byte, _ time.Time) (fresh bool, err error) {
	short := [16]byte(id[:16])
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.now(); since(now, m.born) >= m.span {
		m.old, m.young, m.born = m.young, make(map[[16]byte]struct{}), now
	}
	if _, ok := m.young[short]; ok {
		return false, nil
	}
	if _, ok := m.old[short]; ok {
		return false, nil
	}
	if len(m.young) >= m.room {
		return false, errFull
	}
	m.young[short] = struct{}{}
	return true, nil
}
