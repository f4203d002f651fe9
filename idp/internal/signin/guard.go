package signin

import (
	"context"
	"errors"
	"time"

	"signet/data"
)

// guard slows guessing down. What its methods do is said at those of throttle.
type guard interface {
	// login is reserve, and then what a login reads: the user of the e-mail, a
	// zero one where there is none, and the highest cost of all hashes. After an
	// error nothing is counted.
	login(ctx context.Context, g guess, e data.Email, now time.Time) (u data.User, most int, err error)

	reserve(ctx context.Context, g guess, now time.Time) error
	giveBack(ctx context.Context, g guess, now time.Time) error
	succeed(ctx context.Context, g guess, now time.Time) error
	register(ctx context.Context, network tag, now time.Time) error
	unregister(ctx context.Context, network tag, now time.Time) error
}

// alone counts in memory, where no other process is on the store: a commit for
// each wrong password would buy nothing but a second of guesses after a crash.
type alone struct {
	*throttle
	store *data.Store
}

func (a alone) login(ctx context.Context, g guess, e data.Email, now time.Time) (u data.User, most int, err error) {
	if err := a.throttle.reserve(g, now); err != nil {
		return data.User{}, 0, err
	}
	u, err = a.store.UserByEmail(ctx, e)
	if err == nil || errors.Is(err, data.ErrNoUser) {
		most, err = a.store.MaxCost(ctx)
	}
	if err != nil {
		a.throttle.giveBack(g, now)
		return data.User{}, 0, err
	}
	return u, most, nil
}

func (a alone) reserve(_ context.Context, g guess, now time.Time) error {
	return a.throttle.reserve(g, now)
}

func (a alone) giveBack(_ context.Context, g guess, now time.Time) error {
	a.throttle.giveBack(g, now)
	return nil
}

func (a alone) succeed(_ context.Context, g guess, now time.Time) error {
	a.throttle.succeed(g, now)
	return nil
}

func (a alone) register(_ context.Context, network tag, now time.Time) error {
	return a.throttle.register(network, now)
}

func (a alone) unregister(_ context.Context, network tag, now time.Time) error {
	a.throttle.unregister(network, now)
	return nil
}
