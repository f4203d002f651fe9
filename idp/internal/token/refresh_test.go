package token

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

// refreshing is the web app's form for a refresh.
func refreshing(refreshToken string, more ...string) sent {
	return with(sent{asBasic: webSecret, "grant_type": "refresh_token", "refresh_token": refreshToken}, more...)
}

// RFC 6749, section 6; OpenID Connect Core, section 12.2.
func TestARefreshGivesTheSameAgain(t *testing.T) {
	w := newWorld(t)
	first := w.post(w.redeeming(w.newCode())).ok()
	w.clock.pass(time.Hour)
	got := w.post(refreshing(first.RefreshToken)).ok()
	if got.RefreshToken == first.RefreshToken || got.AccessToken == first.AccessToken || got.Scope != first.Scope {
		t.Errorf("got %+v after %+v", got, first)
	}
	before, after := payload(t, first.IDToken), payload(t, got.IDToken)
	for _, same := range []string{"iss", "sub", "aud", "azp", "auth_time", "acr", "amr", "sid"} {
		if before[same] == nil || fmt.Sprint(before[same]) != fmt.Sprint(after[same]) {
			t.Errorf("%s was %v and is %v", same, before[same], after[same])
		}
	}
	if after["nonce"] != nil || after["iat"] == before["iat"] || after["at_hash"] != halfHash(got.AccessToken) {
		t.Errorf("the new ID token says %v", after)
	}
}

func TestARefreshIsRefusedAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	first := w.post(w.redeeming(w.newCode())).ok()
	cases := []struct {
		name string
		form sent
		want string
	}{
		{"RFC 6749 6: of another client", refreshing(first.RefreshToken, asBasic, "", "client_id", "app"), wire.CodeInvalidGrant},
		{"RFC 6749 6: with more scope than was granted", refreshing(first.RefreshToken, "scope", "openid posts posts:write"), wire.CodeInvalidScope},
		{"RFC 6749 6: with a scope that is not there", refreshing(first.RefreshToken, "scope", "nothing"), wire.CodeInvalidScope},
		{"RFC 8707 2.2: for an audience that was not granted", refreshing(first.RefreshToken, "audience", "billing"), wire.CodeInvalidTarget},
		{"RFC 8707 2.2: for an audience that is not there", refreshing(first.RefreshToken, "resource", "https://nobody.example"), wire.CodeInvalidTarget},
		{"RFC 6749 6: changed by a character", refreshing(first.RefreshToken[:len(first.RefreshToken)-1] + "_"), wire.CodeInvalidGrant},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := w.engine.Writes.Load()
			a := w.post(c.form)
			a.t = t
			a.refused(c.want)
			if w.engine.Writes.Load() != before {
				t.Error("something was written")
			}
		})
	}
	w.post(refreshing(first.RefreshToken)).ok()
}

// RFC 6749, section 6: a smaller token, and the same grant.
func TestARefreshNarrowsTheTokenAndNotTheGrant(t *testing.T) {
	w := newWorld(t)
	first := w.post(w.redeeming(w.newCode())).ok()
	small := w.post(refreshing(first.RefreshToken, "scope", "posts  posts")).ok()
	if small.Scope != "posts" || small.IDToken != "" || payload(t, small.AccessToken)["scope"] != "posts" {
		t.Errorf("got %+v", small)
	}
	if again := w.post(refreshing(small.RefreshToken)).ok(); again.Scope != first.Scope || again.IDToken == "" {
		t.Errorf("afterwards got %+v", again)
	}
}

func TestASpentRefreshTokenThatComesBackEndsTheGrant(t *testing.T) {
	w := newWorld(t)
	first := w.post(w.redeeming(w.newCode())).ok()
	second := w.post(refreshing(first.RefreshToken)).ok()
	third := w.post(refreshing(second.RefreshToken)).ok()
	w.clock.pass(time.Minute)
	w.post(refreshing(first.RefreshToken)).refused(wire.CodeInvalidGrant)
	w.post(refreshing(third.RefreshToken)).refused(wire.CodeInvalidGrant)
}

// RFC 9449, section 5: the refresh token of a public client is bound to the
// key that it proved.
func TestTheRefreshTokenOfAPublicClientIsBoundToItsKey(t *testing.T) {
	w := newWorld(t)
	key, other := dpoptest.NewKey(t, "ES256"), dpoptest.NewKey(t, "ES256")
	proof := func(k dpoptest.Key) string { return k.Proof("POST", endpoint, w.clock.now()) }
	code := w.newCode(func(c *data.Code) { c.Authorization.Client = "app" })
	first := w.post(w.redeeming(code, asBasic, "", "client_id", "app", asProof, proof(key))).ok()
	if cnf, _ := payload(t, first.AccessToken)["cnf"].(map[string]any); first.TokenType != "DPoP" || cnf["jkt"] != key.JKT() {
		t.Errorf("got %+v", first)
	}
	form := func(refreshToken, proof string) sent {
		return refreshing(refreshToken, asBasic, "", "client_id", "app", asProof, proof)
	}
	w.post(form(first.RefreshToken, "")).refused(wire.CodeInvalidGrant)
	w.post(form(first.RefreshToken, proof(other))).refused(wire.CodeInvalidGrant)
	w.post(form(first.RefreshToken, "no proof")).refused(wire.CodeInvalidDPoPProof)
	used := proof(key)
	second := w.post(form(first.RefreshToken, used)).ok()
	w.post(form(second.RefreshToken, used)).refused(wire.CodeInvalidDPoPProof) // section 11.1
	w.post(form(second.RefreshToken, proof(key))).ok()
}

// RFC 9449, section 5: that of a confidential client is not; the client
// authenticates, and may change its key.
func TestAConfidentialClientMayChangeItsKey(t *testing.T) {
	w := newWorld(t)
	for _, alg := range []string{"ES256", "EdDSA"} {
		key, other := dpoptest.NewKey(t, alg), dpoptest.NewKey(t, alg)
		first := w.post(w.redeeming(w.newCode(), asProof, key.Proof("POST", endpoint, w.clock.now()))).ok()
		second := w.post(refreshing(first.RefreshToken, asProof, other.Proof("POST", endpoint, w.clock.now()))).ok()
		if cnf := payload(t, second.AccessToken)["cnf"]; second.TokenType != "DPoP" || fmt.Sprint(cnf) != "map[jkt:"+other.JKT()+"]" {
			t.Errorf("%s: got %+v with cnf %v", alg, second, cnf)
		}
	}
}

// RFC 9449, section 5.2.
func TestAClientThatRegisteredForBoundTokensNeedsAProof(t *testing.T) {
	w := newWorld(t)
	code := w.newCode(func(c *data.Code) { c.Authorization.Client = "strict" })
	form := func(proof string) sent { return w.redeeming(code, asBasic, "", "client_id", "strict", asProof, proof) }
	w.post(form("")).refused(wire.CodeInvalidDPoPProof)
	w.post(form(dpoptest.NewKey(t, "ES256").Proof("POST", endpoint, moment))).ok()
}

// RFC 9449, section 10: dpop_jkt.
func TestACodeThatIsBoundToAKeyIsRedeemedWithIt(t *testing.T) {
	w := newWorld(t)
	key := dpoptest.NewKey(t, "ES256")
	code := w.newCode(func(c *data.Code) { c.Authorization.JKT = key.JKT() })
	w.post(w.redeeming(code)).refused(wire.CodeInvalidGrant)
	w.post(w.redeeming(code, asProof, key.Proof("POST", endpoint, moment))).ok()
}

// RFC 9449, section 4.3, step 1.
func TestThereIsOneDPoPHeader(t *testing.T) {
	w := newWorld(t)
	key := dpoptest.NewKey(t, "ES256")
	header := http.Header{"Dpop": {key.Proof("POST", endpoint, moment), key.Proof("POST", endpoint, moment)}}
	w.raw("grant_type=refresh_token&refresh_token=x&client_id=app", header).refused(wire.CodeInvalidDPoPProof)
}

func TestAGrantOfAnEndedUserGivesNothing(t *testing.T) {
	w := newWorld(t)
	first := w.post(w.redeeming(w.newCode())).ok()
	w.must(w.store.EndUserGrants(t.Context(), w.user.ID, nil))
	w.post(refreshing(first.RefreshToken)).refused(wire.CodeInvalidGrant)
}

// What was taken from a client since is not in its next token.
func TestAClientThatLostAScopeDoesNotGetItAgain(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.must(w.store.CreateClient(ctx, data.Client{ID: "stored", Metadata: data.Metadata{AuthMethod: wire.AuthNone, RedirectURIs: []string{callback}}}, 0))
	form := func(refreshToken string) sent {
		return refreshing(refreshToken, asBasic, "", "client_id", "stored")
	}
	code := w.newCode(func(c *data.Code) { c.Authorization.Client = "stored" })
	first := w.post(w.redeeming(code, asBasic, "", "client_id", "stored")).ok()
	_, err := w.store.ChangeClient(ctx, "stored", func(c *data.Client) error { c.Scope = "posts"; return nil })
	w.must(err)
	if got := w.post(form(first.RefreshToken)).ok(); got.Scope != "posts" || got.IDToken != "" {
		t.Errorf("got %+v", got)
	}
	w.must(w.store.DeleteClient(ctx, "stored"))
	w.post(form(first.RefreshToken)).refused(wire.CodeInvalidClient)
}
