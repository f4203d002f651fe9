package status

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"signet/data"
	"signet/idp/internal/mint"
	"signet/idp/internal/trouble"
	"signet/internal/single"
	"signet/keys"
	"signet/resource/token"
)

// ErrUnknown says that there is no such list, or none any more.
var ErrUnknown = errors.New("status: no such list")

// Ring is where the signing keys come from; *keys.Ring is one.
type Ring interface {
	Snapshot() *keys.Snapshot
	// Ready says why this node may not act on its snapshot, or nil.
	Ready(now time.Time) error
}

// Options are what a Service is made of; all are needed.
type Options struct {
	Store  *data.Store
	Mint   *mint.Mint
	Ring   Ring
	Alg    token.Alg // the lists are signed with it
	Now    func() time.Time
	Logger *slog.Logger
}

// Service keeps what this node serves of the lists.
type Service struct {
	o        Options
	building single.Lane // one edition at a time
	edition  atomic.Pointer[edition]
	updating trouble.Report
}

// New makes a Service. It has nothing to serve before Prepare, or Run, or the
// first who asks.
func New(o Options) *Service {
	s := &Service{o: o}
	s.edition.Store(&edition{})
	return s
}

// Document is what is served at one URL at a moment. It never changes, and
// nobody may change its bytes.
type Document struct {
	Body    []byte
	ETag    string // its entity tag, quotes included, the same on every node
	MaxAge  time.Duration
	changed chan struct{}
}

// Changed is closed once there is another document, or none, at that URL.
func (d *Document) Changed() <-chan struct{} { return d.changed }

// Served is a document, and how far it can be relied on. Lapsed is why this node
// cannot know what was revoked since, or nil; Age is since when it may not, and
// Left how long it may go on without a word from its store.
type Served struct {
	*Document
	Lapsed    error
	Age, Left time.Duration
}

// List returns the Status List Token of the list. It fails with ErrUnknown, and
// with why the store does not answer where no list of that id is known.
func (s *Service) List(ctx context.Context, id data.StatusListID) (Served, error) {
	e, lapsed, err := s.current(ctx)
	if err != nil {
		return Served{}, err
	}
	l := e.lists[id]
	if l == nil && lapsed != nil { // it may have been opened a moment ago
		return Served{}, lapsed
	}
	if l == nil {
		// Whoever got a token just now, here or on another node, may ask for a
		// list that was opened a moment ago. Strangers may ask for any: that
		// reads one key, and no more happens.
		_, found, err := s.o.Store.StatusList(ctx, id)
		if err != nil {
			return Served{}, err
		}
		if !found {
			return Served{}, ErrUnknown
		}
		e, err = s.renew(ctx, func(e *edition) bool { return e.lists[id] != nil })
		if err != nil {
			return Served{}, err
		}
		l = e.lists[id]
	}
	if l == nil || !s.o.Now().Before(l.ends) {
		return Served{}, ErrUnknown
	}
	return s.served(l.document, e, lapsed), nil
}

// Aggregation returns the document that lists the lists (Token Status List,
// section 9.3).
func (s *Service) Aggregation(ctx context.Context) (Served, error) {
	e, lapsed, err := s.current(ctx)
	if err != nil {
		return Served{}, err
	}
	return s.served(e.aggregation, e, lapsed), nil
}

func (s *Service) served(d *Document, e *edition, lapsed error) Served {
	now := s.o.Now()
	return Served{Document: d, Lapsed: lapsed, Age: max(0, now.Sub(e.read)), Left: s.o.Ring.Snapshot().Left(now)}
}

// current is the edition that may be served now. Run makes it in time; here it
// is made where a key was replaced, or a clock was set, in this very moment.
// Where it cannot be made, because the store does not answer, the last one goes
// on: tokens are verified with it, and lapsed says that it is not to be kept.
func (s *Service) current(ctx context.Context) (e *edition, lapsed, err error) {
	t, err := s.terms()
	if err == nil {
		good := func(e *edition) bool { return e.terms == t }
		if e := s.edition.Load(); good(e) {
			return e, nil, nil
		}
		if e, err = s.renew(ctx, good); err == nil {
			return e, nil, nil
		}
	}
	if e = s.edition.Load(); e.aggregation == nil {
		return nil, nil, err
	}
	return e, err, nil
}

// renew makes another edition, unless one that is good was made meanwhile.
func (s *Service) renew(ctx context.Context, good func(*edition) bool) (e *edition, err error) {
	leave, err := s.building.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { leave(err) }()
	if e := s.edition.Load(); good(e) {
		return e, nil
	}
	return s.rebuild(context.WithoutCancel(ctx)) // others wait for it, too
}
