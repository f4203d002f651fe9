package grpcauth_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"signet/resource"
	"signet/resource/grpcauth"
	"signet/resource/internal/issuertest"
)

const (
	issuerURL = "https://id.example"

	list  = "/posts.Posts/List"
	drop  = "/posts.Posts/Delete"
	pay   = "/posts.Posts/Pay"
	write = "/posts.Posts/Write"
	chat  = "/posts.Posts/Chat"
)

var rules = grpcauth.Rules{
	Open: []string{pb.Health_Check_FullMethodName},
	Need: map[string]resource.Requirement{
		drop:  {Roles: []string{"admin"}},
		write: {Scopes: []string{"posts", "write"}},
		pay:   {ACR: []string{"gold"}, MaxAge: time.Minute},
	},
}

// message is whatever has a string: those of the health service do, and are
// there already.
type message = pb.HealthCheckRequest

// whoami answers with the subject of the token in ctx.
func whoami(ctx context.Context) (*message, error) {
	t, ok := resource.FromContext(ctx)
	if !ok {
		return nil, errors.New("no token in the context")
	}
	return &message{Service: t.Subject()}, nil
}

func unary(name string) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(srv any, ctx context.Context, dec func(any) error, in grpc.UnaryServerInterceptor) (any, error) {
		if err := dec(new(message)); err != nil {
			return nil, err
		}
		info := &grpc.UnaryServerInfo{Server: srv, FullMethod: "/posts.Posts/" + name}
		return in(ctx, nil, info, func(ctx context.Context, _ any) (any, error) { return whoami(ctx) })
	}}
}

// echo is a stream that says who is there, then sends back what it gets.
func echo(_ any, ss grpc.ServerStream) error {
	m, err := whoami(ss.Context())
	if err != nil {
		return err
	}
	for {
		if err := ss.SendMsg(m); err != nil {
			return err
		}
		m = new(message)
		if err := ss.RecvMsg(m); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// world is a server behind a Guard, with a connection to it.
type world struct {
	*grpc.ClientConn
	server *grpc.Server
	auth   *grpcauth.Auth
	pipe   *bufconn.Listener
}

// newWorld serves the posts; chatting is what the stream does.
func newWorld(t testing.TB, g resource.Guard, chatting grpc.StreamHandler) world {
	t.Helper()
	auth, err := grpcauth.New(g, rules)
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(grpc.UnaryInterceptor(auth.Unary), grpc.StreamInterceptor(auth.Stream))
	srv.RegisterService(&grpc.ServiceDesc{
		ServiceName: "posts.Posts",
		Methods:     []grpc.MethodDesc{unary("List"), unary("Delete"), unary("Write"), unary("Pay")},
		Streams:     []grpc.StreamDesc{{StreamName: "Chat", Handler: chatting, ServerStreams: true, ClientStreams: true}},
	}, nil)
	pb.RegisterHealthServer(srv, health.NewServer())
	pipe := bufconn.Listen(1 << 16)
	go func() { _ = srv.Serve(pipe) }()
	t.Cleanup(srv.Stop)
	conn, err := grpc.NewClient("passthrough:///pipe", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return world{conn, srv, auth, pipe}
}

// call makes a unary call, and returns what it was answered in one line, and
// the challenges.
func (w world) call(ctx context.Context, method string, pairs ...string) (answer string, challenges []string) {
	var trailer metadata.MD
	var out message
	ctx = metadata.NewOutgoingContext(ctx, metadata.Pairs(pairs...))
	if err := w.Invoke(ctx, method, new(message), &out, grpc.Trailer(&trailer)); err != nil {
		return status.Code(err).String() + " " + status.Convert(err).Message(), trailer["www-authenticate"]
	}
	return out.Service, nil
}

// open begins a chat, of three hours at most, so that nothing waits for ever for
// what does not come.
func (w world) open(ctx context.Context, t testing.TB, token string) grpc.ClientStream {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Hour)
	t.Cleanup(cancel)
	ctx = metadata.NewOutgoingContext(ctx, metadata.Pairs("authorization", "Bearer "+token))
	s, err := w.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, chat)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hear is what comes next on a stream, in one line.
func hear(s grpc.ClientStream) string {
	var m message
	if err := s.RecvMsg(&m); err == io.EOF {
		return "EOF"
	} else if err != nil {
		return status.Code(err).String() + " " + status.Convert(err).Message()
	}
	return m.Service
}

// say sends on a stream; whether it was taken shows in what comes back.
func say(s grpc.ClientStream, text string) { _ = s.SendMsg(&message{Service: text}) }

func newVerifier(t testing.TB, i *issuertest.Issuer, opts ...resource.Option) *resource.Verifier {
	t.Helper()
	v, err := resource.New(i.URL, issuertest.Audience, append([]resource.Option{
		resource.WithLogger(slog.New(slog.DiscardHandler)), resource.WithResource("https://api.example"), resource.WithHTTPClient(i.Client())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}
