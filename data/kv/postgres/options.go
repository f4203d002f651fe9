package postgres

import (
	"crypto/rand"
	"io"
	"log/slog"
	"time"
)

// Options are what an Engine needs beside the DSN. The zero value is good.
type Options struct {
	// Conns is how many connections are held at most, one more for LISTEN not
	// counted. 16 unless set here or by pool_max_conns in the DSN.
	Conns int

	// ConnectTimeout bounds the way to each host. 2 seconds unless set here or
	// by connect_timeout in the DSN.
	ConnectTimeout time.Duration

	// Timeout bounds a transaction, and then once more the answer to its
	// commit. 3 seconds unless set.
	Timeout time.Duration

	// Cache, Running and Waiting are those of every engine on a remote store:
	// how many bytes of pairs are remembered, how many transactions are under
	// way at once, and how many more may wait for that.
	Cache, Running, Waiting int

	// Poll is how often the store is asked whether something under a watched
	// prefix changed, for what LISTEN did not tell. A second unless set.
	Poll time.Duration

	// Rand gives the versions. crypto/rand unless set.
	Rand io.Reader

	// Logger hears of lost and found connections. Nil: slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
