package grpcauth

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"signet/resource"
)

// trust is how long a message passes on the word of an earlier judgement.
const trust = time.Second

// Stream is a grpc.StreamServerInterceptor.
func (a *Auth) Stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	need, open := a.rule(info.FullMethod)
	if open {
		return next(srv, ss)
	}
	values := authorization(ss.Context())
	ctx, err := a.guard.AdmitBearer(ss.Context(), values, need)
	if err != nil {
		return a.end(ss, err)
	}
	t, _ := resource.FromContext(ctx)
	ctx, stop := a.guard.Lifetime(ctx, t)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	g := &guarded{ServerStream: ss, auth: a, values: values, ctx: ctx, cancel: cancel, began: time.Now()}
	err = next(srv, g)
	if why := g.ended(); why != nil {
		return a.end(ss, why)
	}
	return err
}

func (a *Auth) end(ss grpc.ServerStream, why error) error {
	trailer, refused := a.refuse(why)
	ss.SetTrailer(trailer)
	return refused
}

// guarded is a stream that lets nothing pass once its token is no longer good.
type guarded struct {
	grpc.ServerStream
	auth   *Auth
	values []string // of authorization
	ctx    context.Context
	cancel context.CancelCauseFunc

	began  time.Time
	judged atomic.Int64 // when the token was last judged, since began
}

// Context ends with the token, too.
func (g *guarded) Context() context.Context { return g.ctx }

// SendMsg sends nothing that the token is no longer good for.
func (g *guarded) SendMsg(m any) error {
	if err := g.judge(); err != nil {
		return err
	}
	return g.ServerStream.SendMsg(m)
}

// RecvMsg judges the token when the message is there: it may have been long in
// coming.
func (g *guarded) RecvMsg(m any) error {
	if err := g.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return g.judge()
}

// judge asks again whether the token is good, once in the time that trust is.
// A token that is not ends the stream's context.
func (g *guarded) judge() error {
	now := time.Since(g.began)
	if g.ctx.Err() == nil && now-time.Duration(g.judged.Load()) >= trust {
		if _, err := g.auth.guard.AdmitBearer(g.ctx, g.values, resource.Requirement{}); err != nil {
			g.cancel(err)
		} else {
			g.judged.Store(int64(now))
		}
	}
	if why := g.ended(); why != nil {
		_, refused := g.auth.refuse(why)
		return refused
	}
	return nil
}

// ended is why the token no longer is good, or nil. The client may have gone
// for reasons of its own: that is for gRPC to tell.
func (g *guarded) ended() error {
	why := context.Cause(g.ctx)
	if errors.Is(why, resource.ErrInvalidToken) || errors.Is(why, resource.ErrUnavailable) {
		return why
	}
	return nil
}
