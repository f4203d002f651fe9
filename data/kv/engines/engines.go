package engines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"signet/data/kv"
	"signet/data/kv/address"
	"signet/data/kv/bolt"
	"signet/data/kv/postgres"
)

// Options are how an engine is opened.
type Options struct {
	// Timeout is how long to wait for another process to let a file go.
	Timeout time.Duration
	// Logger hears what an engine put right by itself. Nil: slog.Default().
	Logger *slog.Logger
}

// ErrUnknown says that this program has no engine of that kind.
var ErrUnknown = errors.New("engines: there is no such engine in this program")

// Open opens the engine at the address, and makes an empty store where there is
// none. Its errors name the address without its secrets.
func Open(ctx context.Context, at address.Address, o Options) (kv.Engine, error) {
	switch at.Engine() {
	case address.Bolt:
		return opened(bolt.Open(at.Path(), bolt.Options{Timeout: o.Timeout, Logger: o.Logger}))
	case address.Etcd:
		return opened(openEtcd(ctx, at, o))
	case address.Postgres:
		return opened(postgres.Open(ctx, at.DSN(), postgres.Options{Logger: o.Logger}))
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknown, at)
}

// opened keeps an engine that could not be opened from being more than nil.
func opened[E kv.Engine](engine E, err error) (kv.Engine, error) {
	if err != nil {
		return nil, err
	}
	return engine, nil
}
