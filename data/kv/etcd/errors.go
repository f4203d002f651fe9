package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"signet/data/kv"
	"signet/data/kv/internal/optimistic"
)

// wrap gives an error of a read its sentinel. Errors of etcd name no key.
func wrap(err error) error {
	switch {
	case is(err, rpctypes.ErrCompacted):
		return fmt.Errorf("etcd: %w: what was being read was compacted meanwhile; "+
			"keep more history than the longest backup takes (--auto-compaction-retention)", kv.ErrBusy)
	case passing(err):
		return fmt.Errorf("etcd: %w: %w", kv.ErrUnavailable, err)
	}
	return fmt.Errorf("etcd: %w", err)
}

// wrapCommit says what is known of a change that was not answered well.
func wrapCommit(err error, sent bool) error {
	switch {
	case is(err, rpctypes.ErrTooManyOps):
		return fmt.Errorf("etcd: %w: the members take fewer operations (--max-txn-ops)", kv.ErrTooLarge)
	case is(err, rpctypes.ErrRequestTooLarge):
		return fmt.Errorf("etcd: %w: the members take fewer bytes (--max-request-bytes)", kv.ErrTooLarge)
	case is(err, rpctypes.ErrNoSpace):
		return fmt.Errorf("etcd: %w: %w: %w", kv.ErrNoSpace, optimistic.ErrRefused, err)
	case !sent, is(err, anew...), is(err, rpctypes.ErrGRPCRequestTooManyRequests):
		return fmt.Errorf("etcd: %w: %w: %w", kv.ErrUnavailable, optimistic.ErrUnchanged, err)
	}
	switch code(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.FailedPrecondition, codes.Unauthenticated:
		return fmt.Errorf("etcd: %w: %w", optimistic.ErrRefused, err)
	}
	return fmt.Errorf("etcd: %w: %w", kv.ErrUnavailable, err)
}

// anew are refusals after which the client has, or gets, another token.
var anew = []error{rpctypes.ErrInvalidAuthToken, rpctypes.ErrAuthOldRevision, rpctypes.ErrUserEmpty}

// passing says whether a read is worth another try. A member whose own time was
// up, as while there is no leader, says that as an unknown error.
func passing(err error) bool {
	switch code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Unknown:
		return true
	}
	return is(err, anew...) || is(err, rpctypes.ErrNotLeader)
}

// code is the status of an error that came from a member or from the
// connection to it.
func code(err error) codes.Code {
	var e rpctypes.EtcdError
	switch {
	case errors.As(err, &e):
		return e.Code()
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	}
	return status.Code(err)
}

func is(err error, any ...error) bool {
	for _, target := range any {
		if errors.Is(rpctypes.Error(err), rpctypes.Error(target)) {
			return true
		}
	}
	return false
}

// sentHandler notes on the context of a call that its request was given to a
// connection. Until then no member can have seen it.
type sentHandler struct{}

type sentKey struct{}

func withSent(ctx context.Context) (context.Context, *atomic.Bool) {
	sent := new(atomic.Bool)
	return context.WithValue(ctx, sentKey{}, sent), sent
}

func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (sentHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutPayload); ok {
		if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
			sent.Store(true)
		}
	}
}

func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (sentHandler) HandleConn(context.Context, stats.ConnStats) {}
