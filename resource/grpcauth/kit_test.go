package grpcauth_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"signet/resource/grpcauth"
	"signet/resource/resourcetest"
)

func TestEveryBadTokenIsUnauthenticated(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, "https://id.example", "api")
	auth, err := grpcauth.New(issuer.Verifier(t), grpcauth.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	call := func(raw string) codes.Code {
		ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+raw))
		_, err := auth.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/posts.Posts/List"},
			func(context.Context, any) (any, error) { return nil, nil })
		return status.Code(err)
	}
	for bad := range issuer.Bad() {
		if got := call(bad.Token); got != codes.Unauthenticated {
			t.Errorf("a token %s: got %s", bad.Name, got)
		}
	}
	if got := call(issuer.Token()); got != codes.OK {
		t.Errorf("a good token: got %s", got)
	}
}
