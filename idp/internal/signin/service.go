package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"signet/data"
	"signet/idp/internal/trouble"
)

// Registration says who may register.
type Registration string

// The kinds of registration.
const (
	Open       Registration = "open"
	Closed     Registration = "closed"
	Invitation Registration = "invitation"
)

// Options are what a Service needs. Store is required; the rest has defaults.
type Options struct {
	Store        *data.Store
	Registration Registration  // Open unless set
	Cost         int           // the bcrypt cost of new hashes; 12 unless set
	MinLength    int           // of new passwords, in characters; defaultMinLength unless set
	Workers      int           // of the hashing room; half of the processors unless set
	Wait         time.Duration // how long one may wait for a worker
	Throttle     Throttle

	// Shared says that other nodes are on the store, too: what slows guessing
	// down is counted there, for all of them.
	Shared bool

	// CookieKey is at least 32 secret bytes that stay the same from start to
	// start. It signs the cookies of known browsers and hides the names of
	// counters. Without it both are forgotten when the process ends.
	CookieKey []byte

	Now    func() time.Time // time.Now unless set
	Rand   io.Reader        // crypto/rand.Reader unless set
	Logger *slog.Logger     // slog.Default() unless set

	bcrypt hasher
}

// Service signs people in and registers them.
type Service struct {
	o        Options
	store    *data.Store
	room     *room
	throttle *throttle
	guard    guard
	secrets  secrets
	stored   []byte // the counters as they were last written; Run's alone
	saving   trouble.Report
	undoing  trouble.Report
}

// New checks the options and reads the counters of the last run, unless those
// are in the store anyway. It starts nothing: Run writes the counters.
func New(ctx context.Context, o Options) (*Service, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Service{
		o:        o,
		store:    o.Store,
		room:     newRoom(o.Workers, o.Wait, o.Now),
		throttle: newThrottle(o.Throttle),
		secrets:  secrets{o.CookieKey},
	}
	common() // a quarter of a megabyte of words, before anyone waits for it
	if o.Shared {
		s.guard = together{s.throttle.o, s.store, newTurns()}
		return s, nil
	}
	s.guard = alone{s.throttle, s.store}
	stored, err := o.Store.LoadThrottle(ctx)
	if err != nil {
		return nil, fmt.Errorf("signin: reading the counters: %w", err)
	}
	s.stored = stored
	if err := s.throttle.load(stored); err != nil {
		o.Logger.Warn("the counters of wrong passwords begin anew", "error", err)
	}
	return s, nil
}

func (o *Options) complete() error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Registration == "" {
		o.Registration = Open
	}
	if o.Cost == 0 {
		o.Cost = 12
	}
	if o.MinLength == 0 {
		o.MinLength = defaultMinLength
	}
	if o.bcrypt == nil {
		o.bcrypt = realBcrypt{}
	}
	if len(o.CookieKey) == 0 {
		o.CookieKey = make([]byte, 32)
		if _, err := io.ReadFull(o.Rand, o.CookieKey); err != nil {
			return fmt.Errorf("signin: no randomness: %w", err)
		}
	}
	switch {
	case o.Store == nil:
		return errors.New("signin: a store is needed")
	case o.Cost < MinCost || o.Cost > MaxCost:
		return fmt.Errorf("signin: the cost must be from %d to %d", MinCost, MaxCost)
	case len(o.CookieKey) < 32:
		return errors.New("signin: the cookie key must have at least 32 bytes")
	case o.Registration != Open && o.Registration != Closed && o.Registration != Invitation:
		return fmt.Errorf("signin: there is no registration %q", o.Registration)
	}
	return nil
}

const (
	saveEvery  = time.Second // at most
	sweepEvery = time.Minute
)

// Run writes the counters that are in memory alone when they change, at most
// once a second, until ctx ends, and then once more. What a crash loses is a
// second of guesses.
func (s *Service) Run(ctx context.Context) error {
	var changed <-chan struct{} // nil while it is too early to write again
	pause := time.NewTimer(0)
	defer pause.Stop()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			s.save(last)
			return nil
		case <-sweep.C:
			s.throttle.sweep(s.o.Now())
		case <-pause.C:
			changed = s.throttle.changed
		case <-changed:
			began := s.o.Now()
			s.save(ctx)
			changed = nil
			// After days of attack there may be much to write: that takes a
			// twentieth of the time of one processor, and no more.
			pause.Reset(max(saveEvery, 20*elapsed(began, s.o.Now())))
		}
	}
}

// save writes the counters unless they are as they were. A failure is logged
// and no more: the counters in memory go on, and the next change tries again.
func (s *Service) save(ctx context.Context) {
	if s.o.Shared { // and of all nodes the last would win
		return
	}
	body, err := s.throttle.save(s.o.Now())
	if err == nil && !bytes.Equal(body, s.stored) {
		err = s.store.SaveThrottle(ctx, body)
	}
	s.saving.Note(ctx, s.o.Logger, "writing the counters of wrong passwords", err)
	if err == nil {
		s.stored = body
	}
}

// guess names the counters of one attempt. seat is a place that only the
// account's owner can sit in (a known browser, a grant), or nil.
func (s *Service) guess(account tag, addr netip.Addr, seat []byte) guess {
	net, _ := network(addr).MarshalBinary()
	g := guess{
		place:   s.secrets.tag("place", account[:], net),
		account: account,
		network: s.secrets.tag("network", net),
	}
	if seat != nil {
		g.place, g.known = s.secrets.tag("seat", account[:], seat), true
	}
	return g
}

// account names an account, whether there is one or not.
func (s *Service) account(e data.Email) tag {
	return s.secrets.tag("account", []byte(e.Key()))
}

// parseEmail says what is wrong with an e-mail as a *FieldError.
func parseEmail(text string) (data.Email, error) {
	e, err := data.ParseEmail(text)
	var bad *data.EmailError
	switch {
	case errors.As(err, &bad):
		return e, &FieldError{Field: "email", Problem: "is not an address: " + bad.Problem}
	case err != nil:
		return e, &FieldError{Field: "email", Problem: "is not an address"}
	}
	return e, nil
}
