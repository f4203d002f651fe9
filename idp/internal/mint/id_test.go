package mint

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/keys"
	"signet/resource/token"
)

// payloadOf signs and returns the header and the payload.
func payloadOf(t *testing.T, m *Mint, c *Checked, err error) (header, payload string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := m.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(signed.Value, ".")
	for i := range 2 {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = string(raw)
	}
	return parts[0], parts[1]
}

// What is signed for others beside access tokens, byte by byte.
func TestTheOtherPayloadsStayAsTheyAre(t *testing.T) {
	m := newMint(newRing(t))
	full := ID{
		Subject: "ada", ClientID: "web", Alg: token.ES256, TTL: 5 * time.Minute, Nonce: "n1", SID: "s1", ACR: "urn:x:1",
		AMR: []string{"pwd"}, AuthTime: moment.Add(-time.Minute),
		AccessToken: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", Code: "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk", State: "s",
		Claims: map[string]any{"name": "Ada", "email_verified": true},
	}
	least := ID{Subject: "ada", ClientID: "web", Alg: token.RS256, TTL: time.Minute}
	for _, c := range []struct {
		name, typ, payload string
		make               func() (*Checked, error)
	}{
		{"an ID token with all that there is", "JWT", `{"acr":"urn:x:1","amr":["pwd"],"at_hash":"77QmUPtjPfzWtF2AnpK9RQ","aud":"web","auth_time":1772366340,"azp":"web",` +
			`"c_hash":"LDktKdoQak3Pk0cnXxCltA","email_verified":true,"exp":1772366700,"iat":1772366400,"iss":"https://id.example","name":"Ada","nonce":"n1",` +
			`"s_hash":"BDpxh3TFcr2KJa2-sb_NXA","sid":"s1","sub":"ada"}`, func() (*Checked, error) { return m.ID(full) }},
		{"the least ID token", "JWT", `{"aud":"web","azp":"web","exp":1772366460,"iat":1772366400,"iss":"https://id.example","sub":"ada"}`,
			func() (*Checked, error) { return m.ID(least) }},
		{"a userinfo answer", "JWT", `{"address":{"locality":"London"},"aud":"web","iat":1772366400,"iss":"https://id.example","sub":"ada"}`,
			func() (*Checked, error) {
				return m.Userinfo(token.ES256, "web", map[string]any{"sub": "ada", "address": map[string]any{"locality": "London"}})
			}},
		{"an answer to an introspection", "token-introspection+jwt", `{"aud":"api-server","iat":1772366400,"iss":"https://id.example","token_introspection":{"active":true,"sub":"ada"}}`,
			func() (*Checked, error) {
				return m.Introspection(token.ES256, "api-server", map[string]any{"active": true, "sub": "ada"})
			}},
		{"a logout token", "logout+jwt", `{"aud":"web","events":{"http://schemas.openid.net/event/backchannel-logout":{}},"exp":1772366520,"iat":1772366400,` +
			`"iss":"https://id.example","jti":"j1","sid":"s1","sub":"ada"}`,
			func() (*Checked, error) {
				return m.Logout(Logout{ClientID: "web", Alg: token.ES256, Subject: "ada", SID: "s1", JTI: "j1"})
			}},
		{"a logout token for all sessions", "logout+jwt", `{"aud":"web","events":{"http://schemas.openid.net/event/backchannel-logout":{}},"exp":1772366520,"iat":1772366400,` +
			`"iss":"https://id.example","jti":"j1","sub":"ada"}`,
			func() (*Checked, error) {
				return m.Logout(Logout{ClientID: "web", Alg: token.RS256, Subject: "ada", JTI: "j1"})
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			checked, err := c.make()
			header, payload := payloadOf(t, m, checked, err)
			if payload != c.payload {
				t.Errorf("got  %s\nwant %s", payload, c.payload)
			}
			var h token.Header
			if err := json.Unmarshal([]byte(header), &h); err != nil || h.Typ != c.typ {
				t.Errorf("the header is %s", header)
			}
		})
	}
}

// OpenID Connect Core, appendices A.3, A.4 and A.6, give these two.
func TestHalfAHash(t *testing.T) {
	const access, code = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
	for _, alg := range []token.Alg{token.RS256, token.ES256, token.PS256} {
		if got := halfHash(alg, access); got != "77QmUPtjPfzWtF2AnpK9RQ" {
			t.Errorf("%s: at_hash %s", alg, got)
		}
		if got := halfHash(alg, code); got != "LDktKdoQak3Pk0cnXxCltA" {
			t.Errorf("%s: c_hash %s", alg, got)
		}
	}
	// Ed25519 hashes with SHA-512.
	if got := halfHash(token.EdDSA, access); got != "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM" {
		t.Errorf("EdDSA: at_hash %s", got)
	}
}

// Whatever a client asks for by name, and whatever a person's record would say
// to it, decides nothing.
func TestNoClaimOfAPersonStandsForOneOfTheProtocol(t *testing.T) {
	m := newMint(newRing(t))
	evil := map[string]any{"name": "Ada"}
	for name := range strings.FieldsSeq("iss sub aud exp nbf iat jti azp nonce auth_time acr amr at_hash c_hash s_hash sid " +
		"cnf act may_act client_id scope roles status events token_introspection") {
		evil[name] = "evil"
	}
	before := maps.Clone(evil)
	for name, make := range map[string]func() (*Checked, error){
		"the least ID token": func() (*Checked, error) {
			return m.ID(ID{Subject: "ada", ClientID: "web", Alg: token.ES256, TTL: time.Minute, Claims: evil})
		},
		"an ID token": func() (*Checked, error) {
			return m.ID(ID{Subject: "ada", ClientID: "web", Alg: token.ES256, TTL: time.Minute, Nonce: "n", SID: "s", ACR: "a", AMR: []string{"pwd"},
				AuthTime: moment, AccessToken: "t", Code: "c", State: "s", Claims: evil})
		},
		"userinfo": func() (*Checked, error) {
			claims := maps.Clone(evil)
			claims["sub"] = "ada"
			return m.Userinfo(token.ES256, "web", claims)
		},
	} {
		t.Run(name, func(t *testing.T) {
			checked, err := make()
			_, payload := payloadOf(t, m, checked, err)
			if strings.Contains(payload, "evil") || !strings.Contains(payload, `"name":"Ada"`) || !strings.Contains(payload, `"sub":"ada"`) {
				t.Error(payload)
			}
		})
	}
	if !maps.Equal(evil, before) {
		t.Error("the claims of the caller were changed")
	}
}

func TestUserinfoIsNoIDToken(t *testing.T) {
	m := newMint(newRing(t))
	checked, err := m.Userinfo(token.ES256, "web", map[string]any{"sub": "ada", "exp": 1 << 40, "nonce": "n"})
	if _, payload := payloadOf(t, m, checked, err); strings.Contains(payload, "exp") || strings.Contains(payload, "nonce") {
		t.Errorf("%s could pass for one (OpenID Connect Core, section 2)", payload)
	}
}

func TestWhatIsNotCompleteIsNotSigned(t *testing.T) {
	m := newMint(newRing(t))
	good := ID{Subject: "ada", ClientID: "web", Alg: token.ES256, TTL: time.Minute}
	with := func(change func(*ID)) func() (*Checked, error) {
		i := good
		change(&i)
		return func() (*Checked, error) { return m.ID(i) }
	}
	for name, c := range map[string]struct {
		make func() (*Checked, error)
		want error
	}{
		"an ID token without a subject":              {with(func(i *ID) { i.Subject = "" }), ErrClaims},
		"an ID token without a client":               {with(func(i *ID) { i.ClientID = "" }), ErrClaims},
		"an ID token without a life":                 {with(func(i *ID) { i.TTL = 0 }), ErrClaims},
		"an ID token that is over":                   {with(func(i *ID) { i.TTL = -time.Minute }), ErrClaims},
		"a claim that is no JSON":                    {with(func(i *ID) { i.Claims = map[string]any{"x": func() {}} }), ErrClaims},
		"an ID token under a line that is not there": {with(func(i *ID) { i.Alg = token.EdDSA }), ErrNoKeyYet},
		"an ID token under no algorithm":             {with(func(i *ID) { i.Alg = "" }), ErrNoKeyYet},
		"an ID token under none":                     {with(func(i *ID) { i.Alg = "none" }), ErrNoKeyYet},
		"userinfo without a subject":                 {func() (*Checked, error) { return m.Userinfo(token.ES256, "web", nil) }, ErrClaims},
		"userinfo for nobody":                        {func() (*Checked, error) { return m.Userinfo(token.ES256, "", map[string]any{"sub": "ada"}) }, ErrClaims},
		"userinfo with a subject that is none":       {func() (*Checked, error) { return m.Userinfo(token.ES256, "web", map[string]any{"sub": 1}) }, ErrClaims},
		"an introspection for nobody":                {func() (*Checked, error) { return m.Introspection(token.ES256, "", nil) }, ErrClaims},
		"a logout token for nobody":                  {func() (*Checked, error) { return m.Logout(Logout{Alg: token.ES256, Subject: "ada", JTI: "j"}) }, ErrClaims},
		"a logout token about nobody":                {func() (*Checked, error) { return m.Logout(Logout{Alg: token.ES256, ClientID: "web", JTI: "j"}) }, ErrClaims},
		"a logout token without a jti":               {func() (*Checked, error) { return m.Logout(Logout{Alg: token.ES256, ClientID: "web", SID: "s"}) }, ErrClaims},
		"a logout token under a line that is missing": {func() (*Checked, error) {
			return m.Logout(Logout{Alg: token.PS256, ClientID: "web", SID: "s", JTI: "j"})
		}, ErrNoKeyYet},
	} {
		t.Run(name, func(t *testing.T) {
			if checked, err := c.make(); checked != nil || !errors.Is(err, c.want) {
				t.Errorf("%v, %v", checked, err)
			}
		})
	}
}

func TestAnIDTokenDoesNotOutliveWhatItsKeyMaySign(t *testing.T) {
	m := newMint(newRing(t))
	checked, err := m.ID(ID{Subject: "ada", ClientID: "web", Alg: token.ES256, TTL: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if signed, err := m.Sign(checked); err != nil || signed.ExpiresIn != keys.DefaultConfig().MaxLifetime[token.ES256] {
		t.Error(signed.ExpiresIn, err)
	}
	if _, err := m.Sign(checked); !errors.Is(err, ErrSpent) {
		t.Error(err)
	}
}

func TestATokenEndsNoLaterThanWhatItComesFrom(t *testing.T) {
	m := newMint(newRing(t))
	p, _ := m.Profile("")
	second := moment.Truncate(time.Second)
	for _, c := range []struct {
		name     string
		notAfter time.Time
		want     time.Duration
		err      error
	}{
		{"nothing", time.Time{}, p.TTL, nil},
		{"what lives longer", second.Add(time.Hour), p.TTL, nil},
		{"what lives as long", second.Add(p.TTL), p.TTL, nil},
		{"what ends earlier", second.Add(time.Minute), time.Minute, nil},
		{"what ends within a second", second.Add(90*time.Second + time.Second - 1), 90 * time.Second, nil},
		{"what has a second left", second.Add(time.Second), time.Second, nil},
		{"what has less", second.Add(time.Second - 1), 0, ErrClaims},
		{"what is over", second.Add(-time.Hour), 0, ErrClaims},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ada
			a.NotAfter = c.notAfter
			checked, err := m.Access(p, a)
			if !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			_, payload := payloadOf(t, m, checked, nil)
			claims, err := token.ParseClaims([]byte(payload))
			if err != nil || claims.Expiry.Time().Sub(second) != c.want || !c.notAfter.IsZero() && claims.Expiry.Time().After(c.notAfter) {
				t.Errorf("it ends at %s, %v", claims.Expiry.Time(), err)
			}
		})
	}
}

func TestAnAccessTokenSaysWhoActsAndWhichKeyItIsBoundTo(t *testing.T) {
	m := newMint(newRing(t))
	p, _ := m.Profile("")
	a := ada
	a.JKT, a.ACR, a.Actor = "thumb", "urn:x:1", &token.Actor{Subject: "bob", ClientID: "job"}
	checked, err := m.Access(p, a)
	_, payload := payloadOf(t, m, checked, err)
	if !strings.HasSuffix(payload, `"acr":"urn:x:1","cnf":{"jkt":"thumb"},"act":{"sub":"bob","client_id":"job"},"status":{"status_list":{"idx":7,"uri":"https://id.example/oauth2/status_lists/l"}}}`) {
		t.Error(payload)
	}
	for range token.MaxActors {
		a.Actor = &token.Actor{Subject: "bob", Actor: a.Actor}
	}
	if _, err := m.Access(p, a); !errors.Is(err, ErrClaims) {
		t.Errorf("too many actors: %v", err)
	}
}

func TestOneTokenForSeveralAudiences(t *testing.T) {
	m := New(Options{Issuer: issuer, Ring: newRing(t), Profiles: []Profile{
		{Audience: "api", Alg: token.ES256, TTL: 10 * time.Minute},
		{Audience: "files", Alg: token.ES256, TTL: 5 * time.Minute},
		{Audience: "mail", Alg: token.ES256, TTL: 7 * time.Minute},
		{Audience: "billing", Alg: token.RS256, TTL: time.Minute},
	}})
	for _, c := range []struct {
		name      string
		asked     []string
		audiences []string
		ttl       time.Duration
		err       error
	}{
		{"none is the first", nil, []string{"api"}, 10 * time.Minute, nil},
		{"one", []string{"billing"}, []string{"billing"}, time.Minute, nil},
		{"the shortest life counts", []string{"api", "mail", "files"}, []string{"api", "mail", "files"}, 5 * time.Minute, nil},
		{"in any order", []string{"files", "api"}, []string{"files", "api"}, 5 * time.Minute, nil},
		{"twice is once", []string{"api", "files", "api", "files"}, []string{"api", "files"}, 5 * time.Minute, nil},
		{"of different algorithms", []string{"api", "billing"}, nil, 0, ErrMixed},
		{"one that is not there", []string{"api", "other"}, nil, 0, ErrAudience},
		{"the first one is not there", []string{"other", "api"}, nil, 0, ErrAudience},
		{"alone and not there", []string{"other"}, nil, 0, ErrAudience},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the profiles of the mint stay as they are
				p, err := m.Profiles(c.asked)
				if !errors.Is(err, c.err) || err != nil && !errors.Is(err, ErrAudience) {
					t.Fatal(err)
				}
				if err == nil && (!slices.Equal(p.Audiences(), c.audiences) || p.TTL != c.ttl) {
					t.Fatalf("%+v", p)
				}
			}
		})
	}
	p, _ := m.Profiles([]string{"api", "files"})
	checked, err := m.Access(p, ada)
	if _, payload := payloadOf(t, m, checked, err); !strings.Contains(payload, `"aud":["api","files"]`) {
		t.Error(payload)
	}
	p.Also = append(p.Also, "other")
	if _, err := m.Access(p, ada); !errors.Is(err, ErrAudience) {
		t.Errorf("an audience that nobody configured: %v", err)
	}
}
