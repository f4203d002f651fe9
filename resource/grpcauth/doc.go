// Package grpcauth is package resource for gRPC: server interceptors that let a
// call pass when it carries a good access token. It is a package of its own so
// that others never compile gRPC, and it never decides about a token itself.
//
//	auth, err := grpcauth.New(v, grpcauth.Rules{
//		Open: []string{healthpb.Health_Check_FullMethodName},
//		Need: map[string]resource.Requirement{
//			postspb.Posts_Delete_FullMethodName: {Roles: []string{"admin"}},
//		},
//	})
//	if err != nil {
//		return err // one of the rules is wrong
//	}
//	srv := grpc.NewServer(grpc.UnaryInterceptor(auth.Unary), grpc.StreamInterceptor(auth.Stream))
//	postspb.RegisterPostsServer(srv, posts)
//	if err := auth.Check(srv.GetServiceInfo()); err != nil {
//		return err // a rule is about a method that is not there
//	}
//
// and in a method
//
//	t, _ := resource.FromContext(ctx)
//
// # The token
//
// It comes in the metadata as over HTTP: one value of "authorization", the
// scheme Bearer in any case. Two values are refused, whatever they are, and
// metadata of another name, such as authorization-bin, is no token. A token
// that is bound to a key (RFC 9449) is refused: its proof names the URL of an
// HTTP request, and nobody has said what that is for a call. So where
// resource.WithDPoPRequired is given, no call passes.
//
// A method is open only if Rules name it. Health checks and reflection are
// methods like any other: without a rule they want a token too.
//
// # The answers
//
// Unauthenticated is for a call without a good token, and for one whose person
// has to authenticate again; PermissionDenied is for a good token that lacks a
// scope or a role; Unavailable is for the time in which no token can be
// judged. The message is safe to show. The trailing metadata has the challenge
// that HTTP would answer with (RFC 6750, RFC 9470) in "www-authenticate", so
// that a client knows what would be enough.
//
// # Streams
//
// A stream may outlive the token that began it. Its context ends when the token
// expires, and from then on no message passes in either direction. A message
// also passes only if the token was judged within the last second, so one that
// was revoked meanwhile, or whose key was, ends the stream with the next
// message. What
// the method itself returns does not matter then: the client is told
// Unauthenticated, or Unavailable, and never takes what was cut off for
// complete. A method that waits for the next message of a silent client goes on
// waiting; whoever minds sets keepalive.ServerParameters or ends it with the
// context. Scopes, roles and the age of the sign-in are asked once, at the
// beginning.
//
// # What gRPC does before
//
// gRPC reads the message of a unary call before any interceptor runs. So
// strangers can make a server decode messages up to grpc.MaxRecvMsgSize.
package grpcauth
