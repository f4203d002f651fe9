package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"signet/data/kv"
	"signet/data/kv/internal/optimistic"
)

// Engine is a kv.Engine on etcd.
type Engine = optimistic.Engine

// Stats are an engine's counters.
type Stats = optimistic.Stats

// Options are how a cluster is reached. All but the endpoints have a default.
type Options struct {
	// Endpoints are the members' addresses for clients: host:port, or a URL
	// with http or https. Any member will do; who names all loses none.
	Endpoints []string

	// Prefix is what the keys in etcd begin with: "signet/" unless set. Stores
	// with different prefixes see nothing of each other, also where one begins
	// with the other: a zero byte ends it.
	Prefix string

	TLS *tls.Config // with it no endpoint may be http

	// Username and Password, where etcd's authentication is on. The user needs
	// to read and write the prefix.
	Username, Password string

	// MaxOps and MaxBytes are what the members take of one transaction: etcd's
	// --max-txn-ops and --max-request-bytes, 128 and 1.5 MiB as there.
	MaxOps, MaxBytes int

	// Timeout bounds a transaction, and of a View each read: 3 seconds unless
	// set. Cache is how many bytes of pairs are remembered: 32 MB unless set.
	// Running transactions are under way at once, and so many more are Waiting:
	// 256 and 1024 unless set. Others get kv.ErrUnavailable at once.
	Timeout          time.Duration
	Cache            int
	Running, Waiting int

	// Logger hears when etcd is out of hearing, and on the level of debug what
	// its client says. Nil: slog.Default().
	Logger *slog.Logger
}

// The members' own defaults.
const (
	defaultOps   = 128
	defaultBytes = 1536 << 10
)

func (o Options) withDefaults() (Options, error) {
	if len(o.Endpoints) == 0 {
		return o, errors.New("etcd: no endpoint is named")
	}
	for _, e := range o.Endpoints {
		if o.TLS != nil && strings.HasPrefix(e, "http://") {
			return o, fmt.Errorf("etcd: TLS is set, and %s is reached without: write https, or no scheme", e)
		}
	}
	if (o.Username == "") != (o.Password == "") {
		return o, errors.New("etcd: a user name needs a password, and a password a user name")
	}
	if strings.Contains(o.Prefix, "\x00") {
		return o, errors.New("etcd: the prefix has a zero byte")
	}
	if o.Prefix == "" {
		o.Prefix = "signet/"
	}
	if o.MaxOps == 0 {
		o.MaxOps = defaultOps
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultBytes
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

// How a connection is noticed to be dead: gRPC takes no shorter time, and etcd's
// members by their default refuse pings more often than every five seconds.
const (
	pingAfter = 10 * time.Second
	pingWaits = 2 * time.Second
)

// Open reaches the cluster, or fails with kv.ErrUnavailable where it does not
// answer.
func Open(ctx context.Context, o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            o.Endpoints,
		DialTimeout:          o.Timeout,
		DialKeepAliveTime:    pingAfter,
		DialKeepAliveTimeout: pingWaits,
		TLS:                  o.TLS,
		Username:             o.Username,
		Password:             o.Password,
		MaxCallSendMsgSize:   o.MaxBytes + 512<<10, // what a member takes of gRPC
		// The client would repeat a transaction that was cut off: package
		// optimistic knows which may be.
		MaxUnaryRetries: 1,
		DialOptions:     []grpc.DialOption{grpc.WithStatsHandler(sentHandler{})},
		Logger:          logger(o.Logger),
	})
	if err != nil {
		return nil, o.unreached(ctx, wrap(err))
	}
	b := &backend{client: client, o: o, prefix: o.Prefix + "\x00"}
	if err := b.meet(ctx); err != nil {
		_ = client.Close()
		return nil, o.unreached(ctx, err)
	}
	return optimistic.New(b, optimistic.Options{
		Timeout: o.Timeout,
		Cache:   o.Cache,
		Running: o.Running,
		Waiting: o.Waiting,
		Limits:  kv.Limits{Ops: o.MaxOps, Bytes: o.MaxBytes - envelope - 3*o.MaxOps*opSize},
	}), nil
}

// meet finds out whether etcd answers, and from which revision on to watch.
func (b *backend) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, b.o.Timeout, fmt.Errorf("%w: it did not answer in time", kv.ErrUnavailable))
	defer cancel()
	for {
		r, err := b.client.Get(ctx, b.prefix)
		if err == nil {
			b.opened = r.Header.Revision
			return nil
		}
		if err = wrap(err); !errors.Is(err, kv.ErrUnavailable) || rest(ctx) != nil {
			return err
		}
	}
}

// rest waits a moment before etcd is asked again.
func rest(ctx context.Context) error {
	timer := time.NewTimer(100 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
