package grpcauth_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	pb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"signet/resource"
	"signet/resource/grpcauth"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

const where = `resource_metadata="https://api.example/.well-known/oauth-protected-resource"`

func TestWhatACallIsAnswered(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	w := newWorld(t, newVerifier(t, i), echo)
	good := i.Token()
	admin := i.Token(func(c *token.Claims) { c.Roles = []string{"admin"} })
	bound := i.Token(func(c *token.Claims) { c.Confirmation.JKT = strings.Repeat("k", 43) })
	strong := i.Token(func(c *token.Claims) { c.ACR = "gold" })
	stale := i.Token(func(c *token.Claims) { c.ACR, c.AuthTime = "gold", token.At(time.Now().Add(-time.Hour)) })
	const (
		missing   = "Unauthenticated missing_token: an access token is required"
		once      = "Unauthenticated invalid_request: a token is presented once, in one Authorization header"
		onceError = `Bearer error="invalid_request", error_description="a token is presented once, in one Authorization header", ` + where
		malformed = "Unauthenticated invalid_token: the token is malformed"
		malError  = `Bearer error="invalid_token", error_description="the token is malformed", ` + where
		noProof   = "Unauthenticated invalid_token: a token that is bound to a key cannot be used over gRPC"
		boundErr  = `Bearer error="invalid_token", error_description="the token is bound to a key, and needs a DPoP proof", ` + where
		again     = "Unauthenticated insufficient_user_authentication: the person has to authenticate again, as is needed here"
		againErr  = `Bearer error="insufficient_user_authentication", error_description="the person has to authenticate again, as is needed here", acr_values="gold", max_age="60", ` + where
	)
	for _, c := range []struct {
		name, method string
		pairs        []string
		want         string
		challenge    string
	}{
		{"a good token", list, []string{"authorization", "Bearer " + good}, "alice", ""},
		{"the scheme in another case", list, []string{"authorization", "bEARER " + good}, "alice", ""},
		{"the name in another case", list, []string{"Authorization", "Bearer " + good}, "alice", ""},
		{"nothing", list, nil, missing, "Bearer " + where},
		{"another scheme", list, []string{"authorization", "Basic YTpi"}, missing, "Bearer " + where},
		{"no scheme", list, []string{"authorization", good}, missing, "Bearer " + where},
		{"two tokens", list, []string{"authorization", "Bearer " + good, "authorization", "Bearer " + good}, once, onceError},
		{"a bad one first", list, []string{"authorization", "Bearer x", "authorization", "Bearer " + good}, once, onceError},
		{"two values under two spellings", list, []string{"authorization", "Bearer " + good, "Authorization", "Bearer x"}, once, onceError},
		{"another scheme beside it", list, []string{"authorization", "Basic YTpi", "authorization", "Bearer " + good}, once, onceError},
		{"an empty value beside it", list, []string{"authorization", "", "authorization", "Bearer " + good}, once, onceError},
		{"two tokens in one value", list, []string{"authorization", "Bearer " + good + ", Bearer " + good}, once, onceError},
		{"the scheme alone", list, []string{"authorization", "Bearer"}, once, onceError},
		{"binary metadata", list, []string{"authorization-bin", "Bearer " + good}, missing, "Bearer " + where},
		{"binary metadata beside it", list, []string{"authorization-bin", "Bearer x", "authorization", "Bearer " + good}, "alice", ""},
		{"a token under another name", list, []string{"proxy-authorization", "Bearer " + good, "grpcgateway-authorization", "Bearer " + good, "access_token", good}, missing, "Bearer " + where},
		{"a malformed token", list, []string{"authorization", "Bearer x"}, malformed, malError},
		{"a token in base64", list, []string{"authorization", "Bearer " + base64.StdEncoding.EncodeToString([]byte(good))}, malformed, malError},
		{"a bound token", list, []string{"authorization", "Bearer " + bound}, noProof, boundErr},
		{"a bound token by its scheme", list, []string{"authorization", "DPoP " + bound, "dpop", "x"}, noProof, boundErr},
		{"an expired token", list, []string{"authorization", "Bearer " + i.Token(func(c *token.Claims) { c.Expiry = c.IssuedAt - 1 })},
			"Unauthenticated invalid_token: the token has expired", `Bearer error="invalid_token", error_description="the token has expired", ` + where},
		{"a role that is missing", drop, []string{"authorization", "Bearer " + good}, "PermissionDenied insufficient_scope: the role admin is needed here",
			`Bearer error="insufficient_scope", error_description="the role admin is needed here", ` + where},
		{"a role that is there", drop, []string{"authorization", "Bearer " + admin}, "alice", ""},
		{"a scope that is missing", write, []string{"authorization", "Bearer " + good}, "PermissionDenied insufficient_scope: the token lacks a scope that is needed here",
			`Bearer error="insufficient_scope", error_description="the token lacks a scope that is needed here", scope="posts write", ` + where},
		{"a weak sign-in", pay, []string{"authorization", "Bearer " + good}, again, againErr},
		{"an old sign-in", pay, []string{"authorization", "Bearer " + stale}, again, againErr},
		{"a strong and fresh sign-in", pay, []string{"authorization", "Bearer " + strong}, "alice", ""},
		{"an open method, without", pb.Health_Check_FullMethodName, nil, "", ""},
		{"an open method, with a bad token", pb.Health_Check_FullMethodName, []string{"authorization", "Bearer x"}, "", ""},
		{"a method that is not open", pb.Health_List_FullMethodName, nil, missing, "Bearer " + where},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, challenges := w.call(t.Context(), c.method, c.pairs...)
			if challenge := strings.Join(challenges, "\n"); got != c.want || challenge != c.challenge {
				t.Errorf("got  %q %s\nwant %q %s", got, challenge, c.want, c.challenge)
			}
			if strings.Contains(got+strings.Join(challenges, ""), good[:12]) {
				t.Error("the answer repeats the token")
			}
		})
	}
}

func TestAStreamIsHeldToTheSameRules(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	w := newWorld(t, newVerifier(t, i), echo)
	s := w.open(t.Context(), t, i.Token())
	say(s, "hello")
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"alice", "hello", "EOF"} {
		if got := hear(s); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	s = w.open(t.Context(), t, "x")
	if got := hear(s); got != "Unauthenticated invalid_token: the token is malformed" || len(s.Trailer()["www-authenticate"]) != 1 {
		t.Errorf("with a bad token: %q %v", got, s.Trailer())
	}
	watch, err := pb.NewHealthClient(w).Watch(t.Context(), new(message))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a stream without a rule, and without a token: %v", err)
	}
}

// A client writes the name of a stream's method; a server may hand it on as it
// came.
func TestANameThatIsWrittenOtherwiseFindsTheSameRule(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	auth, err := grpcauth.New(newVerifier(t, i), rules)
	if err != nil {
		t.Fatal(err)
	}
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+i.Token()))
	for _, name := range []string{drop, drop[1:], "/" + drop} {
		_, err := auth.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: name}, func(context.Context, any) (any, error) { return nil, nil })
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestWithoutKeysACallIsUnavailable(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	i.Set(func(k *issuertest.Knobs) { k.Down = true })
	w := newWorld(t, newVerifier(t, i), echo)
	if got, challenges := w.call(t.Context(), list, "authorization", "Bearer "+i.Token()); got != "Unavailable temporarily_unavailable: tokens cannot be checked at the moment" || challenges != nil {
		t.Errorf("got %q %v", got, challenges)
	}
}

func TestWhereOnlyBoundTokensAreTakenNoCallPasses(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	w := newWorld(t, newVerifier(t, i, resource.WithDPoPRequired()), echo)
	if got, challenges := w.call(t.Context(), list, "authorization", "Bearer "+i.Token()); !strings.HasPrefix(got, "Unauthenticated ") || challenges != nil {
		t.Errorf("got %q %v", got, challenges)
	}
}

func TestSeveralIssuersAreAGuardToo(t *testing.T) {
	a, b := issuertest.New(t, issuerURL), issuertest.New(t, "https://b.example")
	is, err := resource.NewIssuers(newVerifier(t, a), newVerifier(t, b))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, is, echo)
	forged := issuertest.Sign(t, a.Key(), a.Header(), mustMarshal(t, b.Claims()))
	for raw, want := range map[string]string{a.Token(): "alice", b.Token(): "alice", forged: "Unauthenticated invalid_token: the token's signature is wrong"} {
		if got, _ := w.call(t.Context(), list, "authorization", "Bearer "+raw); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func mustMarshal(t testing.TB, c token.Claims) []byte {
	t.Helper()
	raw, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestRulesThatCannotBeMeantAreRefused(t *testing.T) {
	for _, name := range []string{"", "/", "posts.Posts/List", "/posts.Posts", "/posts.Posts/", "//List", "/posts.Posts/*", "/posts.Posts/List/x"} {
		if _, err := grpcauth.New(nil, grpcauth.Rules{Open: []string{name}}); err == nil {
			t.Errorf("open %q is accepted", name)
		}
		if _, err := grpcauth.New(nil, grpcauth.Rules{Need: map[string]resource.Requirement{name: {}}}); err == nil {
			t.Errorf("a need of %q is accepted", name)
		}
	}
	if _, err := grpcauth.New(nil, grpcauth.Rules{Open: []string{drop}, Need: map[string]resource.Requirement{drop: {}}}); err == nil {
		t.Error("a method that is open and needs something is accepted")
	}
}

func TestARuleForAMethodThatIsNotServedIsTold(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	w := newWorld(t, newVerifier(t, i), echo)
	if err := w.auth.Check(w.server.GetServiceInfo()); err != nil {
		t.Error(err)
	}
	auth, err := grpcauth.New(nil, grpcauth.Rules{Open: []string{"/posts.Posts/Lst"}, Need: map[string]resource.Requirement{"/posts.Post/List": {}, list: {}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.Check(w.server.GetServiceInfo()); err == nil || !strings.Contains(err.Error(), "/posts.Post/List, /posts.Posts/Lst") {
		t.Errorf("got %v", err)
	}
}
