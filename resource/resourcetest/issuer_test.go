package resourcetest_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/dpop/dpoptest"
	"signet/resource/resourcetest"
	"signet/resource/token"
)

func wants(t *testing.T, v *resource.Verifier, raw string, want error) {
	t.Helper()
	if _, err := v.Verify(t.Context(), raw); !errors.Is(err, want) || (want == nil) != (err == nil) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// everywhere runs fn with an issuer on loopback, and with one in a bubble.
func everywhere(t *testing.T, fn func(t *testing.T, issuer *resourcetest.Issuer)) {
	t.Run("on loopback", func(t *testing.T) { fn(t, resourcetest.NewIssuer(t, "api")) })
	t.Run("in a bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { fn(t, resourcetest.NewIssuerAt(t, id, "api")) })
	})
}

func TestATokenSaysWhatItWasToldTo(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	v := issuer.Verifier(t, resource.WithAudiences("files"))
	got, err := v.Verify(t.Context(), issuer.Token())
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Claims(); c.Subject != "someone" || c.ClientID != "client" || c.Scope != "" || c.Roles != nil || c.ID == "" ||
		len(c.Audience) != 1 || c.Audience[0] != "api" || c.Expiry-c.IssuedAt != token.Date(resourcetest.Lifetime/time.Second) {
		t.Errorf("a plain token says %+v", c)
	}
	got, err = v.Verify(t.Context(), issuer.Token(resourcetest.Subject("ada"), resourcetest.Client("app"),
		resourcetest.Scope("posts", "files"), resourcetest.Roles("admin"), resourcetest.Audience("files"),
		resourcetest.ExpiresIn(time.Minute), resourcetest.Claim("acr", "2"), resourcetest.Claim("sid", "s1"),
		resourcetest.Header("typ", "application/at+jwt")))
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Claims(); got.Subject() != "ada" || got.ClientID() != "app" || !got.HasScope("posts", "files") || !got.HasRole("admin") ||
		c.Audience[0] != "files" || c.Expiry-c.IssuedAt != 60 || got.ACR() != "2" || got.SessionID() != "s1" {
		t.Errorf("the token says %+v", c)
	}
	wants(t, v, issuer.Token(resourcetest.Expired()), resource.ErrExpired)
	wants(t, v, issuer.Token(resourcetest.ExpiresIn(-time.Second)), resource.ErrExpired)
	wants(t, v, issuer.Token(resourcetest.NotYet()), resource.ErrNotYet)
	wants(t, v, issuer.Token(resourcetest.Claim("sub", nil)), resource.ErrClaims)
}

func TestATokenWhoseClaimIsNoJSONFailsTheTest(t *testing.T) {
	wantFailure(t, "a claim is no JSON", func(t testing.TB) {
		resourcetest.NewIssuerAt(t, id, "api").Token(resourcetest.Claim("x", make(chan int)))
	})
}

func TestAnIssuerWithAPathIsRefused(t *testing.T) {
	for _, name := range []string{"https://id.example/", "https://id.example/a", "id.example", "", "https://id.example?x"} {
		wantFailure(t, "is not a scheme and a host", func(t testing.TB) { resourcetest.NewIssuerAt(t, name, "api") })
	}
}

func TestARotationIsSeenWhenRotateReturns(t *testing.T) {
	everywhere(t, func(t *testing.T, issuer *resourcetest.Issuer) {
		first, second := issuer.Verifier(t), issuer.Verifier(t, resource.WithDPoPRequired(), resource.WithResource("https://api.example"))
		old := issuer.Token()
		for range 3 {
			issuer.Rotate()
			for _, raw := range []string{old, issuer.Token()} {
				wants(t, first, raw, nil)
				wants(t, second, raw, resource.ErrUnbound)
			}
		}
		if n := first.Health().Keys; n != 4 {
			t.Errorf("%d keys", n)
		}
	})
}

func TestARevokedKeyIsRefusedWhenRevokeKeyReturns(t *testing.T) {
	everywhere(t, func(t *testing.T, issuer *resourcetest.Issuer) {
		first, second := issuer.Verifier(t), issuer.Verifier(t, resource.WithDPoPRequired(), resource.WithResource("https://api.example"))
		for range 3 {
			issuer.Rotate()
			old := issuer.Token()
			wants(t, first, old, nil)
			issuer.RevokeKey()
			wants(t, first, old, resource.ErrUnknownKey)
			wants(t, second, old, resource.ErrUnknownKey)
			wants(t, first, issuer.Token(), nil)
		}
	})
}

func TestATokenIsRefusedWhenRevokeReturns(t *testing.T) {
	everywhere(t, func(t *testing.T, issuer *resourcetest.Issuer) {
		first, second := issuer.Verifier(t), issuer.Verifier(t, resource.WithDPoPRequired(), resource.WithResource("https://api.example"))
		for range 3 {
			raw, other := issuer.Token(), issuer.Token()
			bound := issuer.Token(resourcetest.BoundTo(dpoptest.NewKey(t, "ES256")))
			wants(t, first, raw, nil)
			issuer.Revoke(raw)
			issuer.Revoke(bound)
			for _, v := range []*resource.Verifier{first, second} {
				wants(t, v, raw, resource.ErrRevoked)
				wants(t, v, bound, resource.ErrRevoked)
			}
			wants(t, first, other, nil)
			issuer.RevokeKey() // which must not bring anything back
			wants(t, first, raw, resource.ErrUnknownKey)
			wants(t, issuer.Verifier(t), issuer.Token(), nil)
		}
	})
}

func TestWhatIsNoTokenOfTheIssuersCannotBeRevoked(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	for _, raw := range []string{"", "x", issuer.Token(resourcetest.Claim("status", nil)),
		resourcetest.NewIssuerAt(t, "https://other.example", "api").Token()} {
		wantFailure(t, "what is to be revoked", func(t testing.TB) {
			other := resourcetest.NewIssuerAt(t, id, "api")
			other.Revoke(raw)
		})
	}
}

func TestAnOutageIsNoticedWhenDownReturnsAndOverWhenUpDoes(t *testing.T) {
	everywhere(t, func(t *testing.T, issuer *resourcetest.Issuer) {
		v := issuer.Verifier(t)
		old := issuer.Token()
		issuer.Down()
		if h := v.Health(); h.State != resource.Outage {
			t.Errorf("down: %s", h.State)
		}
		wants(t, v, old, nil)
		issuer.Revoke(old) // nobody can know
		wants(t, v, old, nil)
		issuer.Up()
		wants(t, v, old, resource.ErrRevoked)
		old = issuer.Token()
		issuer.Down()
		issuer.RevokeKey()
		wants(t, v, old, nil)
		wants(t, v, issuer.Token(), resource.ErrUnavailable)
		issuer.Up()
		if h := v.Health(); h.State != resource.Following {
			t.Errorf("up: %s", h.State)
		}
		wants(t, v, old, resource.ErrUnknownKey)
		wants(t, v, issuer.Token(), nil)
	})
}

func TestALongOutageClosesAVerifierInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := resourcetest.NewIssuerAt(t, id, "api")
		v := issuer.Verifier(t, resource.WithMaxStale(time.Minute))
		issuer.Down()
		time.Sleep(time.Minute + time.Second) // of the bubble
		wants(t, v, issuer.Token(), resource.ErrUnavailable)
		issuer.Up()
		wants(t, v, issuer.Token(), nil)
	})
}

func TestAVerifierMayBeginWhileTheIssuerIsDown(t *testing.T) {
	everywhere(t, func(t *testing.T, issuer *resourcetest.Issuer) {
		issuer.Down()
		v := issuer.Verifier(t)
		wants(t, v, issuer.Token(), resource.ErrUnavailable)
		if h := v.Health(); h.State != resource.Starting {
			t.Errorf("down: %s", h.State)
		}
		issuer.Up()
		wants(t, v, issuer.Token(), nil)
	})
}

// An API under test may make its own verifier from the URL in its settings.
func TestAnIssuerOnLoopbackIsReachedByItsURL(t *testing.T) {
	var v *resource.Verifier
	// The issuer ends before this verifier does, whose long poll must not hold
	// it up.
	t.Cleanup(func() { v.Close() })
	issuer := resourcetest.NewIssuer(t, "api")
	var err error
	v, err = resource.New(issuer.URL, "api", resource.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	resourcetest.Refuses(t, v.Middleware(fine), issuer, "GET /")
}

func TestAClientReachesItsIssuerAndNobodyElse(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	res, err := issuer.Client().Get(id + "/.well-known/jwks.json")
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	_ = res.Body.Close()
	if _, err := issuer.Client().Get("https://example.com/"); err == nil || !strings.Contains(err.Error(), "the issuer of the test is https://id.example") {
		t.Errorf("got %v", err)
	}
}

func TestTwoIssuersDoNotTakeEachOthersTokens(t *testing.T) {
	a, b := resourcetest.NewIssuerAt(t, "https://a.example", "api"), resourcetest.NewIssuerAt(t, "https://b.example", "api")
	v, w := a.Verifier(t), b.Verifier(t)
	wants(t, v, b.Token(), resource.ErrIssuer)
	wants(t, v, b.Token(resourcetest.Claim("iss", a.URL)), resource.ErrSignature)
	wants(t, w, b.Token(), nil)
}

func TestABoundTokenComesWithAProof(t *testing.T) {
	const api = "https://api.example"
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	h := issuer.Verifier(t, resource.WithResource(api)).Middleware(fine)
	key := dpoptest.NewKey(t, "ES256")
	raw := issuer.Token(resourcetest.BoundTo(key))
	request := func() *http.Request { return httptest.NewRequest("POST", "/posts?page=2", nil) }
	late := func(p *dpoptest.Parts) { p.Claims["iat"] = time.Now().Add(-time.Hour).Unix() }
	for _, c := range []struct {
		name string
		r    *http.Request
		code int
	}{
		{"with its key", resourcetest.AuthorizeBound(request(), raw, key, api), 204},
		{"with its key, for a base with a slash", resourcetest.AuthorizeBound(request(), raw, key, api+"/"), 204},
		{"with another key", resourcetest.AuthorizeBound(request(), raw, dpoptest.NewKey(t, "ES256"), api), 401},
		{"for another server", resourcetest.AuthorizeBound(request(), raw, key, "https://other.example"), 401},
		{"with an old proof", resourcetest.AuthorizeBound(request(), raw, key, api, late), 401},
		{"without a proof", resourcetest.Authorize(request(), raw), 401},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, c.r)
		if w.Code != c.code {
			t.Errorf("%s: got %d %v", c.name, w.Code, w.Header())
		}
	}
}

func TestTheIssuersClockIsThatOfItsVerifiers(t *testing.T) {
	for _, year := range []int{2001, 2091} {
		issuer := resourcetest.NewIssuerAt(t, id, "api")
		var minutes atomic.Int64
		issuer.SetNow(func() time.Time {
			return time.Date(year, 4, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(minutes.Load()) * time.Minute)
		})
		v := issuer.Verifier(t)
		raw := issuer.Token(resourcetest.ExpiresIn(time.Minute))
		wants(t, v, raw, nil)
		minutes.Add(1)
		wants(t, v, raw, resource.ErrExpired)
		minutes.Add(48 * 60)
		wants(t, v, issuer.Token(), nil)
		resourcetest.Refuses(t, v.Middleware(fine), issuer, "GET /")
	}
}

func TestASubtestsVerifierIsNotWaitedForAfterwards(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	if failures := run(func(t testing.TB) { issuer.Verifier(t) }); failures != nil {
		t.Fatal(failures)
	}
	issuer.RevokeKey() // which would wait for a closed one until it fails
}

func TestAVerifierThatCannotFollowFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wantFailure(t, "never saw the keys change in 10s", func(t testing.TB) {
			issuer := resourcetest.NewIssuerAt(t, id, "api")
			issuer.Verifier(t).Close()
			issuer.RevokeKey()
		})
	})
}
