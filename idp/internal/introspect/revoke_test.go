package introspect

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/idp/internal/live/livetest"
	"signet/idp/internal/wire"
)

// RFC 7009, section 2.1. The access tokens of one grant share an index, and
// fall together.
func TestARevokedAccessTokenIsDeadAndItsGrantGoesOn(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("web", "openid")
	access, sibling := w.Token(issued), w.Token(issued)
	for _, raw := range []string{access, sibling} {
		asks(w, "api", raw).active()
	}
	revokes(w, "web", access).done()
	asks(w, "api", access).says(inactive)
	asks(w, "web", access).says(inactive)
	asks(w, "api", sibling).says(inactive)
	asks(w, "web", string(issued.RefreshToken)).active()
	if !strings.Contains(w.Log.String(), "event=token_revoked client=web") || strings.Contains(w.Log.String(), access[:40]) {
		t.Errorf("logged %s", w.Log)
	}
}

// RFC 7009, section 2.1: "if the particular token is a refresh token […] the
// authorization server SHOULD also invalidate all access tokens based on the
// same authorization grant".
func TestARevokedRefreshTokenTakesItsAccessTokensAlong(t *testing.T) {
	for name, spend := range map[string]bool{"the newest one": false, "a spent one": true} {
		t.Run(name, func(t *testing.T) {
			w := livetest.New(t, livetest.Options{})
			issued, elsewhere := w.Start("web", "openid"), w.Start("web", "openid")
			access, exchanged := w.Token(issued), w.Exchanged(issued, "private", "openid")
			newest := string(issued.RefreshToken)
			if spend {
				turned, err := w.Grants.Turn(t.Context(), newest, nil)
				if err != nil {
					t.Fatal(err)
				}
				newest = string(turned.RefreshToken)
			}
			revokes(w, "web", string(issued.RefreshToken)).done()
			for _, raw := range []string{access, exchanged, newest} {
				asks(w, "web", raw).says(inactive)
				asks(w, "api", raw).says(inactive)
			}
			if _, err := w.Grants.Turn(t.Context(), newest, nil); !errors.Is(err, grant.ErrInvalid) {
				t.Errorf("it still turns: %v", err)
			}
			asks(w, "web", string(elsewhere.RefreshToken)).active()
			if !strings.Contains(w.Log.String(), "event=token_revoked client=web") || strings.Contains(w.Log.String(), newest[:30]) {
				t.Errorf("logged %s", w.Log)
			}
		})
	}
}

// RFC 7009, sections 2.1 and 2.2: what is not valid is answered like what was
// revoked; and so is what is another client's, which stays as it is: an error
// would say that it is there.
func TestWhatCannotBeRevokedIsAnsweredLikeWhatWas(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("web", "openid")
	refresh := string(issued.RefreshToken)
	first := w.Start("signet", "")
	expired := w.For("other", "openid")
	again := w.For("other", "openid")
	revokes(w, "other", again).done()
	w.Clock.Pass(10 * time.Minute)
	access := w.Token(issued)
	for name, raw := range map[string]string{
		"nothing of ours":                 "unknown",
		"another client's access token":   access,
		"another client's refresh token":  refresh,
		"the built-in client's":           w.Token(first),
		"the built-in client's grant":     string(first.RefreshToken),
		"an access token that expired":    expired,
		"an access token that was":        again,
		"a refresh token of no form":      grant.Prefix + "x",
		"a forged refresh token":          refresh[:len(refresh)-6] + "AAAAAA",
		"a token that was exchanged from": w.Exchanged(issued, "private", "openid"),
	} {
		t.Run(name, func(t *testing.T) {
			before := w.Log.Len()
			for _, hint := range []string{"", "access_token", "refresh_token", "unknown_type"} {
				revokes(w, "other", raw, "token_type_hint", hint).done()
				revokes(w, "app", raw, "token_type_hint", hint).done()
			}
			if w.Log.Len() != before {
				t.Errorf("logged %s", w.Log.String()[before:])
			}
		})
	}
	asks(w, "web", access).active()
	asks(w, "web", refresh).active()
	if _, err := w.Live.Access(t.Context(), w.Token(first)); err != nil {
		t.Error(err)
	}
}

// RFC 7009, section 2.1: a public client says who it is, and gives back its own.
func TestAPublicClientGivesItsTokensBack(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("app", "openid")
	access := w.Token(issued)
	revokes(w, "app", access, "token_type_hint", "refresh_token").done()
	asks(w, "api", access).says(inactive)
	other := w.Token(issued)
	revokes(w, "app", string(issued.RefreshToken), "token_type_hint", "access_token").done()
	asks(w, "api", other).says(inactive)
}

// RFC 7009, sections 2.1 and 2.2.1.
func TestARevocationIsRefused(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("web", "openid")
	refresh := string(issued.RefreshToken)
	const wrong = "Basic d2ViOndyb25n" // web:wrong
	revokes(w, "", refresh).refused(401, wire.CodeInvalidClient)
	revokes(w, "nobody", refresh).refused(401, wire.CodeInvalidClient)
	revokes(w, "", refresh, "client_id", "web").refused(401, wire.CodeInvalidClient)
	revokes(w, "", refresh, "Authorization:", wrong).refused(401, wire.CodeInvalidClient)
	revokes(w, "signet", string(w.Start("signet", "").RefreshToken)).refused(401, wire.CodeInvalidClient)
	revokes(w, "web", "").refused(400, wire.CodeInvalidRequest)
	revokes(w, "web", refresh, "token", refresh).refused(400, wire.CodeInvalidRequest)
	raw(t, w, revocation, "token="+refresh, http.Header{"Content-Type": {"text/plain"}}).refused(http.StatusBadRequest, wire.CodeInvalidRequest)
	asks(w, "web", refresh).active()
}

// However a revocation and a refresh of the same token meet, nothing of the
// grant is left: not what the refresh was just given either.
func TestARevocationWinsAgainstARefresh(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	for range 50 {
		issued := w.Start("web", "openid")
		refresh := string(issued.RefreshToken)
		const many = 8
		start, given := make(chan struct{}), make(chan grant.Issued, many)
		var all sync.WaitGroup
		for range many {
			all.Go(func() {
				<-start
				turned, err := w.Grants.Turn(context.Background(), refresh, nil)
				if err == nil {
					given <- turned
				} else if !errors.Is(err, grant.ErrInvalid) {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			<-start
			revokes(w, "web", refresh).done()
		})
		close(start)
		all.Wait()
		close(given)
		for turned := range given {
			if _, err := w.Grants.Turn(t.Context(), string(turned.RefreshToken), nil); !errors.Is(err, grant.ErrInvalid) {
				t.Fatalf("the successor still works: %v", err)
			}
			if _, err := w.Live.Access(t.Context(), w.Token(turned)); !errors.Is(err, live.ErrDead) {
				t.Fatalf("its access token still works: %v", err)
			}
		}
		if _, _, err := w.Store.Grant(t.Context(), issued.Grant.ID, ""); !errors.Is(err, data.ErrNoGrant) {
			t.Fatalf("the grant is still there: %v", err)
		}
	}
}

func TestAnAccessTokenGivenBackManyTimesAtOnceIsGivenBack(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	access := w.For("web", "openid")
	start := make(chan struct{})
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			<-start
			revokes(w, "web", access).done()
		})
	}
	close(start)
	all.Wait()
	asks(w, "web", access).says(inactive)
}

func FuzzRevoke(f *testing.F) {
	w := livetest.New(f, livetest.Options{})
	issued := w.Start("web", "openid")
	f.Add("token=x&token_type_hint=refresh_token&client_id=app")
	f.Fuzz(func(t *testing.T, body string) {
		if got := raw(t, w, revocation, body, http.Header{}); got.err != nil && got.err.Status >= 500 {
			t.Errorf("%q: got %v", body, got.err)
		}
		if _, _, err := w.Grants.Read(context.Background(), string(issued.RefreshToken)); err != nil {
			t.Errorf("%q: a stranger ended a grant: %v", body, err)
		}
	})
}
