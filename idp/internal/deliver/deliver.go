package deliver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/mint"
	"signet/idp/internal/trouble"
	"signet/resource/token"
)

const (
	atOnce  = 16 // deliveries under way, of all clients
	each    = 4  // and of one
	atALook = 64 // that one look at the store takes

	// shortest and longest are the bounds of the wait for the next try. No try
	// takes longer than timeout, which ends before the shortest wait does.
	shortest = 10 * time.Second
	longest  = 2 * time.Hour
	timeout  = 8 * time.Second

	// again is when a store that fails is asked again.
	again = 5 * time.Second
)

// Poster sends a form and returns the status of the answer; *fetch.Fetcher
// does.
type Poster interface {
	Post(ctx context.Context, url, contentType string, body []byte) (status int, err error)
}

// Clients finds a client; *client.Registry does.
type Clients interface {
	Find(ctx context.Context, id string) (*client.Client, error)
}

// Options are what a Service is made of; all are needed.
type Options struct {
	Store   *data.Store
	Clients Clients
	Mint    *mint.Mint
	Poster  Poster
	Now     func() time.Time
	Logger  *slog.Logger
}

// Service delivers. One of each node runs.
type Service struct {
	o    Options
	room chan struct{}

	mu   sync.Mutex
	busy map[string]int // deliveries under way, by client

	reading, claiming, forgetting trouble.Report
}

// New makes a Service.
func New(o Options) *Service {
	return &Service{o: o, room: make(chan struct{}, atOnce), busy: map[string]int{}}
}

// Run delivers until ctx ends, and returns once nothing is under way.
func (s *Service) Run(ctx context.Context) error {
	changed, stop := s.o.Store.DeliveriesChanged()
	defer stop()
	var sending sync.WaitGroup
	defer sending.Wait()
	for ctx.Err() == nil {
		wait := s.send(ctx, &sending)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// send starts all that is due, and tells how long there is nothing more to do.
func (s *Service) send(ctx context.Context, sending *sync.WaitGroup) (wait time.Duration) {
	due, next, err := s.o.Store.DueDeliveries(ctx, atALook)
	s.reading.Note(ctx, s.o.Logger, "reading which logout tokens are due", err)
	if err != nil {
		return again
	}
	for _, d := range due {
		select {
		case s.room <- struct{}{}:
		case <-ctx.Done():
			return 0
		}
		mine, ok := s.claim(ctx, d)
		if !ok {
			<-s.room
			continue
		}
		sending.Go(func() {
			defer func() { <-s.room }()
			defer s.leave(mine.Client)
			s.deliver(ctx, mine)
		})
	}
	if next.IsZero() {
		return time.Hour
	}
	return max(next.Sub(s.o.Now()), 0)
}

// claim moves the delivery to its next time. It is ours then, unless another
// node was first, or so many to its client are under way that it has to wait:
// a client that does not answer must not hold up the others.
func (s *Service) claim(ctx context.Context, d data.Delivery) (mine data.Delivery, ok bool) {
	moved, err := s.o.Store.MoveDelivery(ctx, d, s.o.Now().Add(pause(s.o.Now().Sub(d.CreatedAt))))
	if errors.Is(err, data.ErrNone) {
		return d, false
	}
	s.claiming.Note(ctx, s.o.Logger, "taking on a logout token", err)
	if err != nil {
		return d, false
	}
	return moved, s.enter(d.Client)
}

// pause is how long to wait for the next try: as long again as it has waited.
func pause(waited time.Duration) time.Duration { return min(max(waited, shortest), longest) }

func (s *Service) enter(client string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[client] >= each {
		return false
	}
	s.busy[client]++
	return true
}

func (s *Service) leave(client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[client]--; s.busy[client] == 0 {
		delete(s.busy, client)
	}
}

// deliver tries once, and forgets what need not be tried again.
func (s *Service) deliver(ctx context.Context, d data.Delivery) {
	log := s.o.Logger.With("client", d.Client, "delivery", d.ID, "attempt", d.Attempts)
	if !s.o.Now().Before(d.ExpiresAt) {
		log.Warn("a client was not told of a logout: it could not be reached in time", "event", "backchannel_logout_given_up")
		s.forget(ctx, d)
		return
	}
	status, err := s.try(ctx, d)
	switch {
	case errors.Is(err, errNobody):
		s.forget(ctx, d)
	case err != nil:
		if ctx.Err() == nil {
			log.Warn("a client was not told of a logout yet", "event", "backchannel_logout_failed", "error", err)
		}
	case status == http.StatusOK, status == http.StatusNoContent: // Back-Channel Logout, section 2.8
		log.Info("a client was told of a logout", "event", "backchannel_logout_delivered")
		s.forget(ctx, d)
	case status == http.StatusBadRequest: // the same: it will not like it any better
		log.Warn("a client refused a logout token", "event", "backchannel_logout_refused")
		s.forget(ctx, d)
	default:
		log.Warn("a client was not told of a logout yet", "event", "backchannel_logout_failed", "status", status)
	}
}

// errNobody says that there is nobody any more who wants to be told.
var errNobody = errors.New("deliver: the client is gone, or has no backchannel_logout_uri any more")

func (s *Service) try(ctx context.Context, d data.Delivery) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := s.o.Clients.Find(ctx, d.Client)
	switch {
	case errors.Is(err, client.ErrUnreachable):
		return 0, err
	case errors.Is(err, client.ErrUnknown), err == nil && c.BackLogoutURI == "":
		return 0, errNobody
	case err != nil:
		return 0, err
	}
	checked, err := s.o.Mint.Logout(mint.Logout{ClientID: c.ID, Alg: token.Alg(c.IDTokenAlg), Subject: d.Subject, SID: d.SID, JTI: d.ID})
	if err != nil {
		return 0, err
	}
	signed, err := s.o.Mint.Sign(checked)
	if err != nil {
		return 0, err
	}
	body := url.Values{"logout_token": {signed.Value}}.Encode() // section 2.5
	return s.o.Poster.Post(ctx, c.BackLogoutURI, "application/x-www-form-urlencoded", []byte(body))
}

// forget also happens when the issuer is stopping: what was delivered must not
// be sent again by the next one.
func (s *Service) forget(ctx context.Context, d data.Delivery) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	err := s.o.Store.EndDelivery(ctx, d)
	if errors.Is(err, data.ErrNone) {
		err = nil
	}
	s.forgetting.Note(ctx, s.o.Logger, "forgetting a logout token that was delivered", err)
}
