package token

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

const files = "https://files.example"

// subject is an access token of the user's for api, which the web app holds.
func (w *world) subject(more ...string) string {
	w.t.Helper()
	return w.post(w.redeeming(w.newCode(), append([]string{"audience", "api"}, more...)...)).ok().AccessToken
}

// exchanging is the form with which the API server exchanges a token.
func exchanging(subject string, more ...string) sent {
	return with(sent{asBasic: apiSecret, "grant_type": wire.GrantTokenExchange, "subject_token": subject,
		"subject_token_type": wire.TokenTypeAccess, "audience": files}, more...)
}

func (w *world) own(secret string, more ...string) string {
	w.t.Helper()
	return w.post(with(sent{asBasic: secret, "grant_type": "client_credentials"}, more...)).ok().AccessToken
}

// RFC 8693, section 2.2.1; impersonation (section 1.1).
func TestATokenIsExchangedForOneFurtherDown(t *testing.T) {
	w := newWorld(t)
	subject := w.subject()
	w.clock.pass(7 * time.Minute)
	before := w.engine.Writes.Load()
	got := w.post(exchanging(subject, "scope", "posts")).ok()
	if got.IssuedType != wire.TokenTypeAccess || got.TokenType != "Bearer" || got.Scope != "posts" || got.RefreshToken != "" || got.IDToken != "" {
		t.Errorf("got %+v", got)
	}
	was, is := payload(t, subject), payload(t, got.AccessToken)
	for _, same := range []string{"sub", "sid", "auth_time", "amr", "acr", "exp", "roles"} {
		if was[same] == nil || fmt.Sprint(was[same]) != fmt.Sprint(is[same]) {
			t.Errorf("%s was %v and is %v", same, was[same], is[same])
		}
	}
	if is["client_id"] != "api" || fmt.Sprint(is["aud"]) != "["+files+"]" || is["act"] != nil || got.ExpiresIn != 180 || is["jti"] == was["jti"] {
		t.Errorf("got %v", is)
	}
	if w.engine.Writes.Load() != before {
		t.Error("something was written")
	}
}

// RFC 8693, section 4.1: delegation.
func TestTheActorIsInTheToken(t *testing.T) {
	w := newWorld(t)
	form := func(subject, actor string, more ...string) sent {
		return exchanging(subject, append([]string{"actor_token", actor, "actor_token_type", wire.TokenTypeAccess}, more...)...)
	}
	got := w.post(form(w.subject(), w.own(apiSecret), "requested_token_type", wire.TokenTypeJWT)).ok()
	if act := fmt.Sprint(payload(t, got.AccessToken)["act"]); act != "map[client_id:api sub:api]" || got.IssuedType != wire.TokenTypeJWT {
		t.Errorf("act is %s in %+v", act, got)
	}
	// Four may act, one after another, and no fifth.
	chain := got.AccessToken
	for range 3 {
		chain = w.post(form(chain, w.own(apiSecret))).ok().AccessToken
	}
	if n := strings.Count(mustJSON(t, payload(t, chain)["act"]), "client_id"); n != 4 {
		t.Errorf("%d actors", n)
	}
	w.post(form(chain, w.own(apiSecret))).refused(wire.CodeInvalidRequest)
	// Without an actor of its own the chain stays as it is: nothing is forgotten.
	if kept := w.post(exchanging(chain)).ok(); mustJSON(t, payload(t, kept.AccessToken)["act"]) != mustJSON(t, payload(t, chain)["act"]) {
		t.Errorf("act became %v", payload(t, kept.AccessToken)["act"])
	}
	// Somebody for whom another acts is no actor.
	w.post(form(w.subject(), chain)).refused(wire.CodeInvalidRequest)
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestATokenIsNotExchanged(t *testing.T) {
	w := newWorld(t)
	good, own := w.subject(), w.own(apiSecret)
	id := w.post(w.redeeming(w.newCode())).ok().IDToken
	revoked := w.subject()
	access, err := w.api.Live.Access(t.Context(), revoked)
	w.must(err)
	w.must(w.api.Live.Revoke(t.Context(), access))
	actor := []string{"actor_token", own, "actor_token_type", wire.TokenTypeAccess}
	cases := []struct {
		name    string
		subject string
		form    []string
		want    string
	}{
		{"RFC 8693 2.1: without a subject token", "", nil, wire.CodeInvalidRequest},
		{"RFC 8693 2.1: without its type", good, []string{"subject_token_type", ""}, wire.CodeInvalidRequest},
		{"RFC 8693 2.1: of a type that is not taken", good, []string{"subject_token_type", wire.TokenTypeID}, wire.CodeInvalidRequest},
		{"RFC 8693 2.1: of a type that is none", good, []string{"subject_token_type", "urn:x"}, wire.CodeInvalidRequest},
		{"RFC 8693 2.1: for a type that is not issued", good, []string{"requested_token_type", wire.TokenTypeRefresh}, wire.CodeInvalidRequest},
		{"RFC 8693 2.1: with the type of an actor and no actor", good, []string{"actor_token_type", wire.TokenTypeAccess}, wire.CodeInvalidRequest},
		{"RFC 8693 2.1: with an actor and no type of it", good, []string{"actor_token", own}, wire.CodeInvalidRequest},
		{"RFC 8693 2.2.2: that is nothing", "x", nil, wire.CodeInvalidRequest},
		{"RFC 8693 2.2.2: that is an ID token", id, nil, wire.CodeInvalidRequest},
		{"RFC 8693 2.2.2: that was changed", good[:len(good)-8] + "AAAAAAAA", nil, wire.CodeInvalidRequest},
		{"RFC 8693 2.2.2: that was revoked", revoked, nil, wire.CodeInvalidRequest},
		{"RFC 8693 2.2.2: with an actor that is nothing", good, []string{"actor_token", "x", "actor_token_type", wire.TokenTypeAccess}, wire.CodeInvalidRequest},
		{"RFC 8693 2.2.2: for an audience that is not there", good, []string{"audience", "nobody"}, wire.CodeInvalidTarget},
		{"RFC 8693 5: for an audience that is not opened to the client", good, []string{"audience", "billing"}, wire.CodeInvalidTarget},
		{"RFC 8693 5: for one of each", good, []string{"audience", files + "\nbilling"}, wire.CodeInvalidTarget},
		{"of neither the caller nor its audience", good, []string{asBasic, serviceSecret}, wire.CodeInvalidRequest},
		{"with an actor that is another client's", good, []string{"actor_token", w.own(serviceSecret), "actor_token_type", wire.TokenTypeAccess}, wire.CodeInvalidRequest},
		{"with the subject's own token as that of the actor", good, []string{"actor_token", good, "actor_token_type", wire.TokenTypeAccess}, wire.CodeInvalidRequest},
		{"for more scope than it has", good, append([]string{"scope", "posts posts:write"}, actor...), wire.CodeInvalidScope},
		{"of a client that has not registered the grant type", good, []string{asBasic, webSecret}, wire.CodeUnauthorizedClient},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := w.post(exchanging(c.subject, c.form...))
			a.t = t
			a.refused(c.want)
		})
	}
}

func TestATokenWhoseGrantHasEndedIsNotExchanged(t *testing.T) {
	w := newWorld(t)
	subject := w.subject()
	w.post(exchanging(subject)).ok()
	w.must(w.store.EndUserGrants(t.Context(), w.user.ID, nil))
	w.post(exchanging(subject)).refused(wire.CodeInvalidRequest)
}

func TestAnExpiredTokenIsNotExchanged(t *testing.T) {
	w := newWorld(t)
	subject := w.subject()
	w.clock.pass(10 * time.Minute)
	w.post(exchanging(subject)).refused(wire.CodeInvalidRequest)
}

// A token that a client got for itself lives as long as the client.
func TestATokenOfAClientThatIsGoneIsNotExchanged(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	secret := "passing:a-secret-of-a-client-that-goes-away"
	w.must(w.store.CreateClient(ctx, data.Client{ID: "passing", SecretHash: data.HashOf("a-secret-of-a-client-that-goes-away"),
		Metadata: data.Metadata{AuthMethod: wire.AuthClientSecretBasic, GrantTypes: []string{wire.GrantClientCredentials}}}, 0))
	w.post(exchanging(w.own(secret, "audience", "billing"))).refused(wire.CodeInvalidRequest) // it does not name the caller
	subject := w.own(secret, "audience", "api")
	got := w.post(exchanging(subject)).ok()
	if says := payload(t, got.AccessToken); says["sub"] != "passing" || says["client_id"] != "api" {
		t.Errorf("got %v", says)
	}
	w.must(w.store.DeleteClient(ctx, "passing"))
	w.post(exchanging(subject)).refused(wire.CodeInvalidRequest)
	w.post(exchanging(got.AccessToken)).refused(wire.CodeInvalidRequest)
}

// RFC 9449, sections 5 and 7: a bound token is nobody's but the key's.
func TestABoundTokenIsExchangedWithItsProof(t *testing.T) {
	w := newWorld(t)
	key := dpoptest.NewKey(t, "ES256")
	proof := func(k dpoptest.Key) string { return k.Proof("POST", endpoint, moment) }
	subject := w.subject(asProof, proof(key))
	w.post(exchanging(subject)).refused(wire.CodeInvalidRequest)
	w.post(exchanging(subject, asProof, proof(dpoptest.NewKey(t, "ES256")))).refused(wire.CodeInvalidRequest)
	got := w.post(exchanging(subject, asProof, proof(key))).ok()
	if got.TokenType != "DPoP" || fmt.Sprint(payload(t, got.AccessToken)["cnf"]) != "map[jkt:"+key.JKT()+"]" {
		t.Errorf("got %+v", got)
	}
	w.post(exchanging(w.subject(), "actor_token", w.own(apiSecret, asProof, proof(key)), "actor_token_type", wire.TokenTypeAccess)).refused(wire.CodeInvalidRequest)
}

// The token ends with whichever ends first.
func TestAnExchangedTokenDoesNotOutliveItsActor(t *testing.T) {
	w := newWorld(t)
	actor := w.own(apiSecret)
	w.clock.pass(6 * time.Minute)
	got := w.post(exchanging(w.subject(), "actor_token", actor, "actor_token_type", wire.TokenTypeAccess)).ok()
	if got.ExpiresIn != 240 {
		t.Errorf("it lives for %d s", got.ExpiresIn)
	}
}

// A token that says what no longer holds of the person is nobody's any more.
func TestATokenWithRolesOfYesterdayIsNotExchanged(t *testing.T) {
	w := newWorld(t)
	subject := w.subject()
	_, err := w.store.ChangeUser(t.Context(), w.user.ID, func(u *data.User) error { u.Roles = []string{"editor"}; return nil })
	w.must(err)
	w.post(exchanging(subject)).refused(wire.CodeInvalidRequest)
}

// What the caller may not have itself, it does not get through others.
func TestAnExchangedTokenHasNoMoreScopeThanTheCallerMayHave(t *testing.T) {
	w := newWorld(t)
	if got := w.post(exchanging(w.subject())).ok(); got.Scope != "openid posts" {
		t.Errorf("got %q", got.Scope)
	}
	w.post(exchanging(w.subject(), "scope", "profile")).refused(wire.CodeInvalidScope)
}

func TestWithoutAnAudienceItIsTheFirstThatIsOpen(t *testing.T) {
	w := newWorld(t)
	if got := w.post(exchanging(w.subject(), "audience", "")).ok(); fmt.Sprint(payload(t, got.AccessToken)["aud"]) != "["+files+"]" {
		t.Errorf("aud is %v", payload(t, got.AccessToken)["aud"])
	}
}

// OpenID Connect Core, section 8: a caller hears of the person by the name
// that it knows.
func TestAPairwiseSubjectDoesNotCross(t *testing.T) {
	w := newWorld(t)
	code := w.newCode(func(c *data.Code) { c.Authorization.Client = "pair" })
	first := w.post(w.redeeming(code, asBasic, "", "client_id", "pair", "audience", "api")).ok()
	own, id := payload(t, first.AccessToken)["sub"], payload(t, first.IDToken)["sub"]
	if own == string(w.user.ID) || own != id {
		t.Errorf("the access token is about %v, the ID token about %v", own, id)
	}
	if got := w.post(exchanging(first.AccessToken)).ok(); payload(t, got.AccessToken)["sub"] != string(w.user.ID) {
		t.Errorf("the exchanged one is about %v", payload(t, got.AccessToken)["sub"])
	}
}
