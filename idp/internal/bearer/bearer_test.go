package bearer_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/idp/internal/bearer"
	"signet/idp/internal/live"
	"signet/idp/internal/live/livetest"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

const (
	here    = livetest.Issuer + "/oauth2/userinfo"
	algs    = `algs="ES256 ES384 ES512 EdDSA Ed25519 PS256 RS256"`
	invalid = `Bearer realm="signet", error="invalid_token"`
)

// request makes one with pairs of headers; the method is GET.
func request(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func shown(w *livetest.World, r *http.Request) (live.Access, error) {
	inBody, err := bearer.InBody(r)
	if err != nil {
		return live.Access{}, err
	}
	return w.Bearer.Request(httptest.NewRecorder(), r, here, inBody)
}

// refused wants that answer.
func refused(t testing.TB, err error, status int, code, challenge string) {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) || e.Status != status || e.Code != code || e.Challenge != challenge {
		t.Fatalf("got %#v (%v), want %d %s %s", e, err, status, code, challenge)
	}
}

func form(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/oauth2/userinfo", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// RFC 6750, sections 2 and 3.
func TestATokenIsTakenInOnePlaceOfARequest(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	good := w.For("web", "openid")
	body := "access_token=" + url.QueryEscape(good)
	inForm := func(contentType string, headers ...string) *http.Request {
		r := form(body)
		r.Header.Set("Content-Type", contentType)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		return r
	}
	put := inForm("application/x-www-form-urlencoded")
	put.Method = http.MethodPut
	inQuery := request()
	inQuery.URL.RawQuery = body
	const nothing, malformed = `Bearer realm="signet"`, `Bearer realm="signet", error="invalid_request"`
	cases := []struct {
		name      string
		request   *http.Request
		status    int // 0: good
		challenge string
	}{
		{"section 2.1: in the header", request("Authorization", "Bearer "+good), 0, ""},
		{"section 2.1: the scheme in any case", request("Authorization", "bEARER "+good), 0, ""},
		{"section 2.2: in a form", inForm("application/x-www-form-urlencoded"), 0, ""},
		{"section 2.2: with a charset beside it", inForm("application/x-www-form-urlencoded; charset=utf-8"), 0, ""},
		{"section 2.2: of another media type", inForm("application/json"), 401, nothing},
		{"section 2.2: without a media type", inForm(""), 401, nothing},
		{"section 2.2: of another method", put, 401, nothing},
		{"section 2.2: twice", form(body + "&" + body), 400, malformed},
		{"section 2.2: empty", form("access_token="), 401, nothing},
		{"section 2.2: in a form that is none", form("access_token=%zz"), 400, malformed},
		{"section 2.3: in the query, which is not taken here", inQuery, 401, nothing},
		{"section 2: in two places", inForm("application/x-www-form-urlencoded", "Authorization", "Bearer "+good), 400, malformed},
		{"section 3.1: in two headers", request("Authorization", "Bearer "+good, "Authorization", "Bearer "+good), 400, malformed},
		{"section 3.1: nowhere", request(), 401, nothing},
		{"section 3: of another scheme", request("Authorization", "Basic "+good), 401, nothing},
		{"section 3: without a scheme", request("Authorization", good), 401, nothing},
		{"section 3: a scheme alone", request("Authorization", "Bearer"), 401, nothing},
		{"section 3: a scheme and a space", request("Authorization", "Bearer "), 401, nothing},
		{"section 3.1: after two spaces", request("Authorization", "Bearer  "+good), 401, invalid},
		{"section 3.1: with another behind it", request("Authorization", "Bearer "+good+" "+good), 401, invalid},
		{"section 3.1: that is none", request("Authorization", "Bearer x"), 401, invalid},
		{"section 3.1: that is a refresh token", request("Authorization", "Bearer "+string(w.Start("web", "openid").RefreshToken)), 401, invalid},
		{"section 3.1: that is none, in a form", form("access_token=x"), 401, invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, err := shown(w, c.request)
			switch c.status {
			case 0:
				if err != nil || a.User.ID != w.User.ID {
					t.Fatalf("got %v", err)
				}
			case http.StatusBadRequest:
				refused(t, err, c.status, wire.CodeInvalidRequest, c.challenge)
			default:
				refused(t, err, c.status, wire.CodeInvalidToken, c.challenge)
			}
		})
	}
}

// RFC 6750, section 3.1: an expired or revoked token is refused like any other
// that does not work.
func TestADeadTokenGetsTheSameAnswerWhateverItDiedOf(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	revoked, expired := w.For("web", "openid"), w.For("web", "openid")
	a, err := w.Live.Access(t.Context(), revoked)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Live.Revoke(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	_, err = shown(w, request("Authorization", "Bearer "+revoked))
	refused(t, err, 401, wire.CodeInvalidToken, invalid)
	text := err.Error()
	w.Clock.Pass(time.Hour)
	for _, raw := range []string{expired, "unknown"} {
		if _, err := shown(w, request("Authorization", "Bearer "+raw)); err.Error() != text {
			t.Errorf("got %q and %q", err, text)
		}
	}
}

// RFC 6750, section 3.1, and RFC 9449, section 7.1.
func TestInsufficientScopeNamesTheScopeInTheSchemeOfTheToken(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	var a live.Access
	refused(t, w.Bearer.Insufficient(a, "openid"), 403, wire.CodeInsufficientScope, `Bearer realm="signet", error="insufficient_scope", scope="openid"`)
	refused(t, w.Bearer.Insufficient(a, ""), 403, wire.CodeInsufficientScope, `Bearer realm="signet", error="insufficient_scope"`)
	a.Confirmation.JKT = "jkt"
	refused(t, w.Bearer.Insufficient(a, "openid"), 403, wire.CodeInsufficientScope, `DPoP error="insufficient_scope", `+algs+`, scope="openid"`)
}

func TestABoundTokenIsTakenWithItsProofOnly(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	key, otherKey := dpoptest.NewKey(t, "ES256"), dpoptest.NewKey(t, "ES256")
	bound := w.For("web", "openid", livetest.Bound(key.JKT()))
	sibling := w.For("web", "openid", livetest.Bound(key.JKT()))
	free := w.For("web", "openid")
	proof := func(edit ...func(*dpoptest.Parts)) string {
		return key.Proof("GET", here, w.Clock.Now(), append([]func(*dpoptest.Parts){dpoptest.ForToken(bound)}, edit...)...)
	}
	says := func(code string) string { return `DPoP error="` + code + `", ` + algs }
	inForm := form("access_token=" + bound)
	inForm.Header.Set("DPoP", key.Proof("POST", here, w.Clock.Now(), dpoptest.ForToken(bound)))
	spent := proof()
	if _, err := shown(w, request("Authorization", "DPoP "+bound, "DPoP", spent)); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name    string
		request *http.Request
		code    string // "": good
	}{
		{"RFC 9449, section 7.1: with its proof", request("Authorization", "DPoP "+bound, "DPoP", proof()), ""},
		{"RFC 9449, section 7.1: the scheme in any case", request("Authorization", "dpop "+bound, "DPoP", proof()), ""},
		{"RFC 9449, section 7.1: without a proof", request("Authorization", "DPoP "+bound), wire.CodeInvalidDPoPProof},
		{"RFC 9449, section 4.3, step 1: with two proofs", request("Authorization", "DPoP "+bound, "DPoP", proof(), "DPoP", proof()), wire.CodeInvalidDPoPProof},
		{"RFC 9449, section 4.3, step 8: for another method", request("Authorization", "DPoP "+bound, "DPoP", key.Proof("POST", here, w.Clock.Now(), dpoptest.ForToken(bound))), wire.CodeInvalidDPoPProof},
		{"RFC 9449, section 4.3, step 9: for another endpoint", request("Authorization", "DPoP "+bound, "DPoP", key.Proof("GET", livetest.Issuer+"/me", w.Clock.Now(), dpoptest.ForToken(bound))), wire.CodeInvalidDPoPProof},
		{"RFC 9449, section 4.3, step 12a: without a token's hash", request("Authorization", "DPoP "+bound, "DPoP", key.Proof("GET", here, w.Clock.Now())), wire.CodeInvalidDPoPProof},
		{"RFC 9449, section 4.3, step 12a: for another token of the same key", request("Authorization", "DPoP "+sibling, "DPoP", proof()), wire.CodeInvalidDPoPProof},
		{"RFC 9449, section 4.3, step 12b: with another key", request("Authorization", "DPoP "+bound, "DPoP", otherKey.Proof("GET", here, w.Clock.Now(), dpoptest.ForToken(bound))), wire.CodeInvalidToken},
		{"RFC 9449, section 11.1: with a proof that was used", request("Authorization", "DPoP "+bound, "DPoP", spent), wire.CodeInvalidDPoPProof},
		{"RFC 9449, section 7.2: as a bearer token", request("Authorization", "Bearer "+bound), wire.CodeInvalidToken},
		{"RFC 9449, section 7.2: as a bearer token, with its proof", request("Authorization", "Bearer "+bound, "DPoP", proof()), wire.CodeInvalidToken},
		{"RFC 9449, section 7.1: in a form", inForm, wire.CodeInvalidToken},
		{"a token that is not bound, as if it were", request("Authorization", "DPoP "+free, "DPoP", key.Proof("GET", here, w.Clock.Now(), dpoptest.ForToken(free))), wire.CodeInvalidToken},
		{"no token at all", request("Authorization", "DPoP x", "DPoP", key.Proof("GET", here, w.Clock.Now(), dpoptest.ForToken("x"))), wire.CodeInvalidToken},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, err := shown(w, c.request)
			if c.code == "" {
				if err != nil || a.Confirmation.JKT != key.JKT() {
					t.Fatalf("got %v", err)
				}
				return
			}
			refused(t, err, 401, c.code, says(c.code))
		})
	}
}

// A proof can be made by anybody: it costs a write only with a good token and
// its key.
func TestAProofIsRememberedOnlyOfWhoHasTokenAndKey(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	key, thief := dpoptest.NewKey(t, "ES256"), dpoptest.NewKey(t, "ES256")
	bound := w.For("web", "openid", livetest.Bound(key.JKT()))
	for name, r := range map[string]*http.Request{
		"no token":       request("Authorization", "DPoP x", "DPoP", key.Proof("GET", here, w.Clock.Now(), dpoptest.ForToken("x"))),
		"another key":    request("Authorization", "DPoP "+bound, "DPoP", thief.Proof("GET", here, w.Clock.Now(), dpoptest.ForToken(bound))),
		"another method": request("Authorization", "DPoP "+bound, "DPoP", key.Proof("PUT", here, w.Clock.Now(), dpoptest.ForToken(bound))),
	} {
		before := w.Engine.Updates.Load()
		if _, err := shown(w, r); err == nil {
			t.Errorf("%s: taken", name)
		}
		if n := w.Engine.Updates.Load() - before; n != 0 {
			t.Errorf("%s: %d writes", name, n)
		}
	}
}

func TestOneProofWorksOnceHoweverOftenItComesAtOnce(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	key := dpoptest.NewKey(t, "ES256")
	bound := w.For("web", "openid", livetest.Bound(key.JKT()))
	proof := key.Proof("GET", here, w.Clock.Now(), dpoptest.ForToken(bound))
	start, good := make(chan struct{}), make(chan bool, 100)
	var all sync.WaitGroup
	for range cap(good) {
		all.Go(func() {
			<-start
			_, err := shown(w, request("Authorization", "DPoP "+bound, "DPoP", proof))
			good <- err == nil
		})
	}
	close(start)
	all.Wait()
	close(good)
	won := 0
	for ok := range good {
		if ok {
			won++
		}
	}
	if won != 1 {
		t.Errorf("it worked %d times", won)
	}
}

// RFC 9449, sections 8 and 9.
func TestProofsNeedTheNonceWhereOneIsAskedForAndGetTheNext(t *testing.T) {
	w := livetest.New(t, livetest.Options{Nonces: true})
	key := dpoptest.NewKey(t, "ES256")
	bound := w.For("web", "openid", livetest.Bound(key.JKT()))
	ask := func(edit ...func(*dpoptest.Parts)) (*httptest.ResponseRecorder, error) {
		proof := key.Proof("GET", here, w.Clock.Now(), append([]func(*dpoptest.Parts){dpoptest.ForToken(bound)}, edit...)...)
		rec := httptest.NewRecorder()
		_, err := w.Bearer.Request(rec, request("Authorization", "DPoP "+bound, "DPoP", proof), here, "")
		return rec, err
	}
	_, err := ask()
	refused(t, err, 401, wire.CodeUseDPoPNonce, `DPoP error="use_dpop_nonce", `+algs)
	var e *wire.Error
	errors.As(err, &e)
	if e.DPoPNonce == "" {
		t.Fatal("there is no nonce")
	}
	rec, err := ask(dpoptest.WithNonce(e.DPoPNonce))
	if err != nil || rec.Header().Get("DPoP-Nonce") != w.DPoP.Nonce() {
		t.Errorf("got %v %v", err, rec.Header())
	}
	_, err = shown(w, request("Authorization", "DPoP "+bound))
	if errors.As(err, &e); e.DPoPNonce == "" {
		t.Error("a request without a proof is told no nonce")
	}
	rec = httptest.NewRecorder()
	_, err = w.Bearer.Request(rec, request("Authorization", "Bearer "+w.For("web", "openid")), here, "")
	if err != nil || rec.Header().Get("DPoP-Nonce") != "" {
		t.Errorf("a bearer token got %v %v", err, rec.Header())
	}
}

func TestAFailureOfTheStoreIsNoRefusal(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	good := w.For("web", "openid")
	w.Engine.Down.Store(true)
	if _, err := shown(w, request("Authorization", "Bearer "+good)); !errors.Is(err, livetest.ErrDown) {
		t.Errorf("got %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	w := livetest.New(f, livetest.Options{})
	key := dpoptest.NewKey(f, "ES256")
	good := w.For("web", "openid")
	bound := w.Sign([]string{"api"}, mint.Access{Subject: "web", ClientID: "web", JKT: key.JKT()})
	f.Add("Bearer "+good, "", "")
	f.Add("DPoP "+bound, key.Proof("POST", here, w.Clock.Now(), dpoptest.ForToken(bound)), "")
	f.Add("", "", "access_token="+good)
	f.Fuzz(func(t *testing.T, authorization, proof, body string) {
		r := form(body).WithContext(context.Background())
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		if proof != "" {
			r.Header["Dpop"] = []string{proof}
		}
		a, err := shown(w, r)
		var e *wire.Error
		switch {
		case err == nil && (a.Confirmation.JKT != "") != strings.HasPrefix(strings.ToLower(authorization), "dpop "):
			t.Errorf("a token was taken in the wrong scheme: %q", authorization)
		case err == nil && !strings.Contains(authorization+body, "."):
			t.Error("there was no token")
		case err != nil && !errors.As(err, &e):
			t.Errorf("got %v", err)
		}
	})
}
