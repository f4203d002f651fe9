package token

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

// RFC 6749, section 4.1.3; OpenID Connect Core, section 3.1.3.
func TestACodeIsRedeemedForTokens(t *testing.T) {
	w := newWorld(t)
	got := w.post(w.redeeming(w.newCode())).ok()
	if got.TokenType != "Bearer" || got.ExpiresIn != 300 || got.Scope != "openid profile posts" || got.RefreshToken == "" || got.IssuedType != "" {
		t.Errorf("got %+v", got)
	}
	access := payload(t, got.AccessToken)
	for name, want := range map[string]any{
		"iss": issuer, "sub": string(w.user.ID), "client_id": "web", "scope": "openid profile posts", "acr": "1",
		"aud": []any{"api", "https://files.example"}, "roles": []any{"admin"}, "amr": []any{"pwd"},
		"auth_time": float64(moment.Add(-time.Minute).Unix()), "iat": float64(moment.Unix()), "exp": float64(moment.Add(5 * time.Minute).Unix()),
	} {
		if fmt.Sprint(access[name]) != fmt.Sprint(want) {
			t.Errorf("access token: %s is %v, want %v", name, access[name], want)
		}
	}
	id := payload(t, got.IDToken)
	for name, want := range map[string]any{
		"iss": issuer, "sub": string(w.user.ID), "aud": "web", "azp": "web", "nonce": "n-0S6_WzA2Mj", "sid": "session-of-web", "acr": "1", "amr": []any{"pwd"},
		"auth_time": float64(moment.Add(-time.Minute).Unix()), "iat": float64(moment.Unix()), "exp": float64(moment.Add(time.Hour).Unix()),
		"at_hash": halfHash(got.AccessToken),
	} {
		if fmt.Sprint(id[name]) != fmt.Sprint(want) {
			t.Errorf("ID token: %s is %v, want %v", name, id[name], want)
		}
	}
	if _, there := id["name"]; there { // OpenID Connect Core, section 5.4
		t.Error("claims of the scope profile are in the ID token although there is an access token")
	}
}

func TestACodeIsNotRedeemed(t *testing.T) {
	key := dpoptest.NewKey(t, "ES256")
	cases := []struct {
		name string // after the section that it follows
		code func(*data.Code)
		form []string
		want string
	}{
		{"RFC 6749 4.1.3: without a code", nil, []string{"code", ""}, wire.CodeInvalidRequest},
		{"RFC 6749 4.1.3: that never was", nil, []string{"code", "signet_ac_" + strings.Repeat("A", 43)}, wire.CodeInvalidGrant},
		{"RFC 6749 4.1.3: of another client", func(c *data.Code) { c.Authorization.Client = "app" }, nil, wire.CodeInvalidGrant},
		{"RFC 6749 4.1.3: with another redirect URI", nil, []string{"redirect_uri", callback + "/"}, wire.CodeInvalidGrant},
		{"RFC 6749 4.1.3: without the redirect URI that was sent", nil, []string{"redirect_uri", ""}, wire.CodeInvalidGrant},
		{"RFC 6749 4.1.3: with a redirect URI that is not the only one", func(c *data.Code) { c.SentURI = false }, []string{"redirect_uri", "https://evil.example"}, wire.CodeInvalidGrant},
		{"RFC 6749 4.1.2: after its time", func(c *data.Code) { c.ExpiresAt = moment }, nil, wire.CodeInvalidGrant},
		{"RFC 6749 3.2: with a parameter twice", nil, []string{"code_verifier", verifier + "\n" + verifier}, wire.CodeInvalidRequest},
		{"RFC 6749 3.1: with an empty verifier, which is none", nil, []string{"code_verifier", "", "redirect_uri", callback}, wire.CodeInvalidGrant},
		{"RFC 7636 4.5: without its verifier", nil, []string{"code_verifier", ""}, wire.CodeInvalidGrant},
		{"RFC 7636 4.6: with another verifier", nil, []string{"code_verifier", strings.Repeat("a", 43)}, wire.CodeInvalidGrant},
		{"RFC 7636 4.6: with the challenge itself", nil, []string{"code_verifier", challenge}, wire.CodeInvalidGrant},
		{"RFC 7636 4.1: with a verifier of 42 characters", func(c *data.Code) { c.Challenge = s256(strings.Repeat("a", 42)) }, []string{"code_verifier", strings.Repeat("a", 42)}, wire.CodeInvalidGrant},
		{"RFC 7636 4.1: with a verifier of 129 characters", func(c *data.Code) { c.Challenge = s256(strings.Repeat("a", 129)) }, []string{"code_verifier", strings.Repeat("a", 129)}, wire.CodeInvalidGrant},
		{"RFC 7636 4.1: with a verifier of other characters", func(c *data.Code) { c.Challenge = s256(strings.Repeat("a", 43) + "+") }, []string{"code_verifier", strings.Repeat("a", 43) + "+"}, wire.CodeInvalidGrant},
		{"RFC 9700 4.8.2: with a verifier, asked for without a challenge", func(c *data.Code) { c.Challenge = "" }, nil, wire.CodeInvalidGrant},
		{"RFC 9700 2.1.1: of a public client without a challenge", func(c *data.Code) { c.Challenge, c.Authorization.Client = "", "app" },
			[]string{asBasic, "", "client_id", "app", "code_verifier", ""}, wire.CodeInvalidGrant},
		{"RFC 9449 10: without a proof, bound to a key", func(c *data.Code) { c.Authorization.JKT = key.JKT() }, nil, wire.CodeInvalidGrant},
		{"RFC 9449 10: with a proof of another key", func(c *data.Code) { c.Authorization.JKT = s256("another") }, []string{asProof, key.Proof("POST", endpoint, moment)}, wire.CodeInvalidGrant},
		{"RFC 9449 4.3: with a proof for another endpoint", nil, []string{asProof, key.Proof("POST", issuer+"/other", moment)}, wire.CodeInvalidDPoPProof},
		{"RFC 8707 2.2: for an audience that was not granted", nil, []string{"audience", "billing"}, wire.CodeInvalidTarget},
		{"RFC 8707 2.2: for an audience that is not there", nil, []string{"audience", "nobody"}, wire.CodeInvalidTarget},
		{"for audiences that no one token can be for", func(c *data.Code) { c.Authorization.Audience = []string{"api", "billing"} }, nil, wire.CodeInvalidTarget},
		{"of an account that was signed out since", func(c *data.Code) { c.Authorization.Account = "gone" }, nil, wire.CodeInvalidGrant},
		{"of a user who was signed out everywhere since", func(c *data.Code) { c.Authorization.Epoch = 7 }, nil, wire.CodeInvalidGrant},
	}
	descriptions := map[string]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			edit := c.code
			if edit == nil {
				edit = func(*data.Code) {}
			}
			code := w.newCode(edit)
			e := w.post(w.redeeming(code, c.form...)).refused(c.want)
			if c.want == wire.CodeInvalidGrant {
				descriptions[e.Description] = true
			}
			if w.alive() != 0 {
				t.Error("there is a grant")
			}
		})
	}
	if len(descriptions) != 1 {
		t.Errorf("the reasons can be told apart: %v", descriptions)
	}
}

// A failed check neither spends a code nor ends the grant that it gave.
func TestAFailedCheckChangesNothing(t *testing.T) {
	w := newWorld(t)
	code := w.newCode()
	for _, form := range []sent{
		w.redeeming(code, "code_verifier", strings.Repeat("b", 43)), w.redeeming(code, "redirect_uri", "https://evil.example"),
		w.redeeming(code, asBasic, "", "client_id", "app"),
	} {
		w.post(form).refused(wire.CodeInvalidGrant)
	}
	first := w.post(w.redeeming(code)).ok()
	w.post(w.redeeming(code, "code_verifier", strings.Repeat("b", 43))).refused(wire.CodeInvalidGrant)
	w.post(w.redeeming(code, asBasic, "", "client_id", "app")).refused(wire.CodeInvalidGrant)
	w.post(sent{asBasic: webSecret, "grant_type": "refresh_token", "refresh_token": first.RefreshToken}).ok()
	// RFC 6749, section 4.1.2: the second use in which all is right ends it.
	w.post(w.redeeming(code)).refused(wire.CodeInvalidGrant)
	if w.alive() != 0 {
		t.Error("the grant goes on after its code came back")
	}
	w.post(sent{asBasic: webSecret, "grant_type": "refresh_token", "refresh_token": first.RefreshToken}).refused(wire.CodeInvalidGrant)
}

func TestOfAHundredAtOnceOneRedeemsTheCode(t *testing.T) {
	w := newWorld(t)
	code := w.newCode()
	got := atOnce(100, func() answered { return w.post(w.redeeming(code)) })
	redeemed := 0
	for _, a := range got {
		if a.err == nil {
			redeemed++
			continue
		}
		a.refused(wire.CodeInvalidGrant)
	}
	if redeemed != 1 || w.alive() != 0 {
		t.Errorf("redeemed %d times, and %d grants are left; want one that the second use ended", redeemed, w.alive())
	}
}

// atOnce runs fn behind a barrier.
func atOnce(n int, fn func() answered) []answered {
	got := make([]answered, n)
	barrier := make(chan struct{})
	var done sync.WaitGroup
	for i := range got {
		done.Go(func() {
			<-barrier
			got[i] = fn()
		})
	}
	close(barrier)
	done.Wait()
	return got
}

// RFC 6749, section 4.1.3: the redirect URI only where it was sent.
func TestACodeWithoutASentRedirectURINeedsNone(t *testing.T) {
	w := newWorld(t)
	for _, more := range [][]string{{"redirect_uri", ""}, {"redirect_uri", callback}} {
		w.post(w.redeeming(w.newCode(func(c *data.Code) { c.SentURI = false }), more...)).ok()
	}
}

// A confidential client may go without PKCE where the policy lets it.
func TestACodeWithoutAChallengeNeedsNoVerifier(t *testing.T) {
	w := newWorld(t)
	w.post(w.redeeming(w.newCode(func(c *data.Code) { c.Challenge = "" }), "code_verifier", "")).ok()
}

func TestVerifiersOfEveryLengthAndCharacterAreTaken(t *testing.T) {
	w := newWorld(t)
	for _, v := range []string{strings.Repeat("a", 43), strings.Repeat("Z", 128), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~abcdef"} {
		w.post(w.redeeming(w.newCode(func(c *data.Code) { c.Challenge = s256(v) }), "code_verifier", v)).ok()
	}
}

// RFC 8707, section 2.2: the access token is for what was asked for, and the
// grant for all that was granted.
func TestAResourceNarrowsTheAccessTokenAndNotTheGrant(t *testing.T) {
	w := newWorld(t)
	first := w.post(w.redeeming(w.newCode(), "resource", "https://files.example")).ok()
	if aud := fmt.Sprint(payload(t, first.AccessToken)["aud"]); aud != "[https://files.example]" {
		t.Errorf("aud is %s", aud)
	}
	again := w.post(sent{asBasic: webSecret, "grant_type": "refresh_token", "refresh_token": first.RefreshToken, "audience": "api"}).ok()
	if aud := fmt.Sprint(payload(t, again.AccessToken)["aud"]); aud != "[api]" {
		t.Errorf("after the refresh aud is %s", aud)
	}
}

func TestTheScopeDecidesAboutTheIDToken(t *testing.T) {
	w := newWorld(t)
	if got := w.post(w.redeeming(w.newCode(func(c *data.Code) { c.Authorization.Scope = "posts" }))).ok(); got.IDToken != "" {
		t.Error("there is an ID token without openid")
	}
}

// OpenID Connect Core, section 5.5.
func TestTheClaimsParameterPutsClaimsIntoTheIDToken(t *testing.T) {
	w := newWorld(t)
	got := w.post(w.redeeming(w.newCode(func(c *data.Code) {
		c.Authorization.Claims = `{"id_token":{"name":null,"auth_time":{"essential":true},"sub":{"value":"x"},"nobody":null}}`
	}))).ok()
	id := payload(t, got.IDToken)
	if id["name"] != "Ada Lovelace" || id["sub"] != string(w.user.ID) || id["auth_time"] == nil || id["nobody"] != nil {
		t.Errorf("got %v", id)
	}
}

func TestAClientWithoutTheRefreshGrantGetsNoRefreshToken(t *testing.T) {
	w := newWorld(t)
	code := w.newCode(func(c *data.Code) { c.Authorization.Client = "once" })
	got := w.post(w.redeeming(code, asBasic, "", "client_id", "once")).ok()
	if got.RefreshToken != "" || w.alive() != 1 {
		t.Errorf("got %+v, and %d grants", got, w.alive())
	}
	w.clock.pass(11 * time.Minute)
	if w.alive() != 0 {
		t.Error("the grant outlives its access token")
	}
}

// OpenID Registration, section 2: id_token_signed_response_alg.
func TestTheIDTokenIsSignedWithTheClientsAlgorithm(t *testing.T) {
	w := newWorld(t)
	for id, want := range map[string]string{"app": `"ES256"`, "strict": `"RS256"`} {
		key := dpoptest.NewKey(t, "ES256")
		code := w.newCode(func(c *data.Code) { c.Authorization.Client = id })
		got := w.post(w.redeeming(code, asBasic, "", "client_id", id, asProof, key.Proof("POST", endpoint, moment))).ok()
		if header := header(t, got.IDToken); !strings.Contains(header, `"alg":`+want) || !strings.Contains(header, `"typ":"JWT"`) {
			t.Errorf("%s: the header is %s", id, header)
		}
		if header := header(t, got.AccessToken); !strings.Contains(header, `"typ":"at+jwt"`) { // RFC 9068, section 2.1
			t.Errorf("%s: the access token's header is %s", id, header)
		}
	}
}

// RFC 6749, section 5.1.
func TestTokensAreNotCached(t *testing.T) {
	w := newWorld(t)
	got := w.post(w.redeeming(w.newCode()))
	got.ok()
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Pragma") != "no-cache" || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
		t.Errorf("got %v", got.header)
	}
}

// RFC 6749, sections 3.2 and 5.2, for every grant type.
func TestARequestIsRefused(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.CreateClient(t.Context(), data.Client{ID: "stored", Metadata: data.Metadata{AuthMethod: wire.AuthNone,
		GrantTypes: []string{wire.GrantClientCredentials, wire.GrantTokenExchange}}}, 0))
	cases := []struct {
		name string
		form sent
		want string
	}{
		{"without a grant type", sent{asBasic: webSecret}, wire.CodeInvalidRequest},
		{"with an empty one", sent{asBasic: webSecret, "grant_type": ""}, wire.CodeInvalidRequest},
		{"with one twice", sent{asBasic: webSecret, "grant_type": "refresh_token\nrefresh_token"}, wire.CodeInvalidRequest},
		{"with one that is not there", sent{asBasic: webSecret, "grant_type": "password"}, wire.CodeUnsupportedGrantType},
		{"with implicit, which is none of this endpoint", sent{asBasic: webSecret, "grant_type": "implicit"}, wire.CodeUnsupportedGrantType},
		{"with one that the client did not register", sent{asBasic: webSecret, "grant_type": "client_credentials"}, wire.CodeUnauthorizedClient},
		{"without a client", sent{"grant_type": "refresh_token", "refresh_token": "x"}, wire.CodeInvalidClient},
		{"with a wrong secret", sent{asBasic: "web:wrong", "grant_type": "refresh_token", "refresh_token": "x"}, wire.CodeInvalidClient},
		{"of a confidential client that only says its name", sent{"client_id": "web", "grant_type": "refresh_token", "refresh_token": "x"}, wire.CodeInvalidClient},
		{"without a refresh token", sent{asBasic: webSecret, "grant_type": "refresh_token"}, wire.CodeInvalidRequest},
		{"with a refresh token that is none", sent{asBasic: webSecret, "grant_type": "refresh_token", "refresh_token": "x"}, wire.CodeInvalidGrant},
		{"of a public client for itself (RFC 6749, section 4.4)", sent{"client_id": "stored", "grant_type": "client_credentials"}, wire.CodeUnauthorizedClient},
		{"of a public client for an exchange (RFC 8693, section 5)", sent{"client_id": "stored", "grant_type": wire.GrantTokenExchange}, wire.CodeUnauthorizedClient},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := w.post(c.form)
			a.t = t
			a.refused(c.want)
		})
	}
	t.Run("as JSON", func(t *testing.T) {
		a := w.raw(`{"grant_type":"refresh_token"}`, http.Header{"Content-Type": {"application/json"}})
		a.t = t
		a.refused(wire.CodeInvalidRequest)
	})
}
