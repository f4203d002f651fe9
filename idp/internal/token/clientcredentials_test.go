package token

import (
	"fmt"
	"testing"

	"signet/data"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

// itself is the service's form for a token of its own.
func itself(more ...string) sent {
	return with(sent{asBasic: serviceSecret, "grant_type": "client_credentials"}, more...)
}

// RFC 6749, section 4.4; RFC 9068, section 2.2.
func TestAClientGetsATokenOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.post(itself()).ok() // the first one reserves indices for those that follow
	before := w.engine.Writes.Load()
	got := w.post(itself("scope", "posts openid unknown")).ok()
	if got.TokenType != "Bearer" || got.Scope != "posts" || got.RefreshToken != "" || got.IDToken != "" || got.ExpiresIn != 600 {
		t.Errorf("got %+v", got)
	}
	says := payload(t, got.AccessToken)
	for _, absent := range []string{"roles", "sid", "auth_time", "amr", "acr", "act", "cnf"} {
		if says[absent] != nil {
			t.Errorf("%s is %v", absent, says[absent])
		}
	}
	if says["sub"] != "service" || says["client_id"] != "service" || fmt.Sprint(says["aud"]) != "[api]" || says["jti"] == nil {
		t.Errorf("got %v", says)
	}
	if w.engine.Writes.Load() != before {
		t.Error("something was written")
	}
}

// RFC 6749, section 3.3: what it registered, where it names nothing.
func TestAClientThatNamesNoScopeGetsItsOwn(t *testing.T) {
	w := newWorld(t)
	if got := w.post(itself()).ok(); got.Scope != "posts posts:write" {
		t.Errorf("got %q", got.Scope)
	}
}

func TestAClientsTokenIsForTheAudiencesThatItNames(t *testing.T) {
	w := newWorld(t)
	got := w.post(itself("resource", "https://files.example", "audience", "api")).ok()
	if says := payload(t, got.AccessToken); fmt.Sprint(says["aud"]) != "[https://files.example api]" || got.ExpiresIn != 300 {
		t.Errorf("got %v for %d s", says["aud"], got.ExpiresIn)
	}
	if got := w.post(itself("audience", "billing")).ok(); header(t, got.AccessToken)[:14] != `{"alg":"RS256"` {
		t.Errorf("the header is %s", header(t, got.AccessToken))
	}
	w.post(itself("audience", "nobody")).refused(wire.CodeInvalidTarget)
	w.post(itself("audience", "api\nbilling")).refused(wire.CodeInvalidTarget) // signed differently
}

func TestAClientMayNotHaveWhatIsOfPeopleOnly(t *testing.T) {
	w := newWorld(t)
	w.post(itself("scope", "openid")).refused(wire.CodeInvalidScope)
	w.post(itself("scope", "nothing")).refused(wire.CodeInvalidScope)
}

// RFC 9449, section 5.
func TestAClientsTokenIsBoundToTheKeyThatItProved(t *testing.T) {
	w := newWorld(t)
	key := dpoptest.NewKey(t, "ES256")
	got := w.post(itself(asProof, key.Proof("POST", endpoint, moment))).ok()
	if got.TokenType != "DPoP" || fmt.Sprint(payload(t, got.AccessToken)["cnf"]) != "map[jkt:"+key.JKT()+"]" {
		t.Errorf("got %+v", got)
	}
}

// There may be more clients than the registry has room for, decoded.
func TestAClientThatAskedBeforeIsNotReadAgain(t *testing.T) {
	w := newWorld(t)
	const clients = 3000
	secret := data.HashOf("s")
	all := make([]string, clients)
	for i := range all {
		all[i] = fmt.Sprint("client", i)
		w.must(w.store.CreateClient(t.Context(), data.Client{ID: all[i], SecretHash: secret,
			Metadata: data.Metadata{AuthMethod: wire.AuthClientSecretBasic, GrantTypes: []string{wire.GrantClientCredentials}, Scope: "posts"}}, 0))
	}
	first := w.post(itself(asBasic, all[0]+":s")).ok()
	for _, id := range all[1:] {
		w.post(itself(asBasic, id+":s")).ok()
	}
	views, writes := w.engine.Views.Load(), w.engine.Writes.Load()
	again := w.post(itself(asBasic, all[0]+":s")).ok()
	for _, id := range all[1:] {
		w.post(itself(asBasic, id+":s")).ok()
	}
	if v, n := w.engine.Views.Load()-views, w.engine.Writes.Load()-writes; v != 0 || n != 0 {
		t.Errorf("%d views and %d writes of %d clients", v, n, clients)
	}
	one, two := payload(t, first.AccessToken), payload(t, again.AccessToken)
	for _, claim := range []string{"sub", "client_id", "aud", "scope"} {
		if fmt.Sprint(one[claim]) != fmt.Sprint(two[claim]) || one[claim] == nil {
			t.Errorf("%s: first %v, then %v", claim, one[claim], two[claim])
		}
	}
}
