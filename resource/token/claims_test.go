package token_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"signet/resource/token"
)

func full() token.Claims {
	return token.Claims{
		Issuer: "https://id.example", Subject: "alice", Audience: []string{"api", "files"},
		ClientID: "signet", IssuedAt: 1700000000, Expiry: 1700000600, NotBefore: 1700000001,
		ID: "j1", Scope: "openid posts", Roles: []string{"admin"}, SessionID: "s1",
		AuthTime: 1699999999, AMR: []string{"pwd"}, ACR: "urn:x:1",
		Confirmation: token.Confirmation{JKT: "thumb"},
		Actor:        &token.Actor{Subject: "bob", ClientID: "web", Actor: &token.Actor{ClientID: "job"}},
	}
}

func TestClaimsSurviveTheWayThroughJSON(t *testing.T) {
	raw, err := full().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"iss":"https://id.example","sub":"alice","aud":["api","files"],"client_id":"signet",` +
		`"iat":1700000000,"exp":1700000600,"nbf":1700000001,"jti":"j1","scope":"openid posts",` +
		`"roles":["admin"],"sid":"s1","auth_time":1699999999,"amr":["pwd"],"acr":"urn:x:1",` +
		`"cnf":{"jkt":"thumb"},"act":{"sub":"bob","client_id":"web","act":{"client_id":"job"}}}`
	if string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
	back, err := token.ParseClaims(raw)
	if err != nil || !reflect.DeepEqual(back, full()) {
		t.Errorf("got %+v, %v", back, err)
	}
}

func TestAbsentClaimsAreNotWritten(t *testing.T) {
	raw, err := token.Claims{Issuer: "i", Audience: []string{"api"}}.Marshal()
	if want := `{"iss":"i","aud":["api"]}`; err != nil || string(raw) != want {
		t.Errorf("got %s, %v; want %s", raw, err, want)
	}
}

func TestParseClaimsTakesAnAudienceThatIsAString(t *testing.T) {
	c, err := token.ParseClaims([]byte(`{"aud":"api","unknown":{"x":[1,{}]}}`))
	if err != nil || !reflect.DeepEqual(c.Audience, []string{"api"}) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestParseClaimsCutsTheFractionOfADate(t *testing.T) {
	for raw, want := range map[string]token.Date{
		"1700000000": 1700000000, "1700000000.0": 1700000000, "1700000000.999999": 1700000000, "1.7e9": 1700000000,
		"17000000005E-1": 1700000000, "1.5": 1, "1": 1, "253402300799": 253402300799, "253402300799.9": 253402300799,
	} {
		c, err := token.ParseClaims([]byte(`{"exp":` + raw + `}`))
		if err != nil || c.Expiry != want {
			t.Errorf("%s: got %d, %v; want %d", raw, c.Expiry, err, want)
		}
	}
}

func TestOnlyASpaceStandsBetweenTwoScopes(t *testing.T) {
	for scope, want := range map[string][]string{
		"": {}, "a": {"a"}, "a b": {"a", "b"}, "  a  b ": {"a", "b"}, "a\tadmin": {"a\tadmin"}, "a\u00a0admin": {"a\u00a0admin"}, "a\u2003b c": {"a\u2003b", "c"},
	} {
		if got := (token.Claims{Scope: scope}).Scopes(); !slices.Equal(got, want) {
			t.Errorf("%q: got %q", scope, got)
		}
	}
}

func TestAZeroIsNoDateToBeginFrom(t *testing.T) {
	for _, zero := range []string{"0", "-0", "0.0", "0.5", "0e9"} {
		c, err := token.ParseClaims([]byte(`{"nbf":` + zero + `,"auth_time":` + zero + `}`))
		if err != nil || c.NotBefore != 0 || c.AuthTime != 0 {
			t.Errorf("%s: got %+v, %v", zero, c, err)
		}
		for _, name := range []string{"iat", "exp"} {
			if _, err := token.ParseClaims([]byte(`{"` + name + `":` + zero + `}`)); !errors.Is(err, token.ErrClaims) {
				t.Errorf("%s of %s: %v", name, zero, err)
			}
		}
	}
}

func TestParseClaimsRefusesOtherTypes(t *testing.T) {
	for _, raw := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{}{}`, `{"iss":"a","iss":"a"}`, `{"x":{"a":1,"a":1}}`, "{\"sub\":\"\xff\"}",
		`{"iss":1}`, `{"sub":null}`, `{"sub":["a"]}`, `{"client_id":{}}`, `{"jti":true}`, `{"sid":0}`,
		`{"aud":null}`, `{"aud":1}`, `{"aud":[1]}`, `{"aud":["a",null]}`, `{"aud":{"a":"b"}}`,
		`{"exp":"1700000000"}`, `{"exp":null}`, `{"exp":-1}`, `{"exp":0}`, `{"exp":-0.5}`, `{"exp":0.5}`, `{"exp":1e-9}`, `{"exp":253402300800}`, `{"exp":1e400}`,
		`{"exp":99999999999999999999}`, `{"exp":"1e9"}`, `{"exp":1.}`, `{"exp":.5}`, `{"exp":+1}`, `{"exp":0x10}`, `{"exp":Infinity}`, `{"nbf":-1}`, `{"nbf":-0.5}`, `{"auth_time":-1}`, `{"exp":[1]}`, `{"iat":true}`, `{"nbf":{}}`, `{"auth_time":"x"}`,
		`{"scope":["a"]}`, `{"roles":"admin"}`, `{"roles":[["admin"]]}`, `{"amr":1}`,
		`{"acr":1}`, `{"acr":null}`, `{"cnf":null}`, `{"cnf":"x"}`, `{"cnf":[]}`, `{"cnf":{"jkt":1}}`, `{"cnf":{"jkt":null}}`,
		`{"cnf":{"jkt":"a","jkt":"b"}}`, `{"cnf":{"jkt":"a"},"cnf":{}}`, `{"cnf":{"jkt":"a"`,
		`{"act":null}`, `{"act":"bob"}`, `{"act":[{}]}`, `{"act":{"sub":1}}`, `{"act":{"client_id":[]}}`, `{"act":{"act":null}}`,
		`{"act":{"sub":"a","sub":"b"}}`, `{"act":{"act":{"act":{"act":{"act":{}}}}}}`,
	} {
		if c, err := token.ParseClaims([]byte(raw)); !errors.Is(err, token.ErrClaims) {
			t.Errorf("%s: got %+v, %v; want ErrClaims", raw, c, err)
		}
	}
}

func TestABindingThatIsNotUnderstoodIsNeverLost(t *testing.T) {
	for raw, want := range map[string]token.Confirmation{
		`{"cnf":{"jkt":"a"}}`:                     {JKT: "a"},
		`{"cnf":{"jkt":"a","x5t#S256":"b"}}`:      {JKT: "a", Other: true},
		`{"cnf":{"x5t#S256":"b"}}`:                {Other: true},
		`{"cnf":{"jwk":{"kty":"EC"},"kid":null}}`: {Other: true},
		`{"cnf":{"JKT":"a"}}`:                     {Other: true},
		`{"cnf":{"jkt":""}}`:                      {Other: true},
		`{"cnf":{}}`:                              {Other: true},
		`{}`:                                      {},
	} {
		c, err := token.ParseClaims([]byte(raw))
		if err != nil || c.Confirmation != want {
			t.Errorf("%s: got %+v, %v; want %+v", raw, c.Confirmation, err, want)
		}
		if _, err := c.Marshal(); errors.Is(err, token.ErrClaims) != want.Other {
			t.Errorf("%s: written again: %v", raw, err)
		}
	}
}

func TestFourActorsAreTheMost(t *testing.T) {
	var chain *token.Actor
	for n := 1; n <= token.MaxActors; n++ {
		chain = &token.Actor{Subject: "s", Actor: chain}
		raw, err := token.Claims{Actor: chain}.Marshal()
		if err != nil {
			t.Fatalf("%d actors: %v", n, err)
		}
		if c, err := token.ParseClaims(raw); err != nil || c.Actor.Depth() != n {
			t.Errorf("%d actors: got %+v, %v", n, c.Actor, err)
		}
	}
	ring := &token.Actor{Subject: "s"}
	ring.Actor = ring
	for name, a := range map[string]*token.Actor{"one more": {Actor: chain}, "a ring": ring} {
		if _, err := (token.Claims{Actor: a}).Marshal(); !errors.Is(err, token.ErrClaims) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatElseIsSaidOfAnActorIsSkipped(t *testing.T) {
	c, err := token.ParseClaims([]byte(`{"act":{"sub":"a","iss":"i","cnf":{"jkt":"x"},"may_act":null}}`))
	if err != nil || !reflect.DeepEqual(c.Actor, &token.Actor{Subject: "a"}) || c.Confirmation != (token.Confirmation{}) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	a := full()
	b := a.Clone()
	b.Roles[0], b.Audience[0], b.AMR[0] = "x", "x", "x"
	b.Actor.Subject, b.Actor.Actor.ClientID = "x", "x"
	if !reflect.DeepEqual(a, full()) {
		t.Error("a change of the copy changed the original")
	}
}

func TestDatesAreWholeSeconds(t *testing.T) {
	at := time.Unix(1700000000, 999)
	if d := token.At(at); d != 1700000000 || !d.Time().Equal(at.Truncate(time.Second)) {
		t.Errorf("got %d", d)
	}
	if !token.Date(0).Time().IsZero() {
		t.Error("no date is a time")
	}
}

func FuzzParseClaims(f *testing.F) {
	f.Add([]byte(`{"iss":"i","sub":"s","aud":"api","exp":1,"roles":["a"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := token.ParseClaims(raw)
		if err != nil {
			if !errors.Is(err, token.ErrClaims) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		out, err := c.Marshal()
		if c.Confirmation.Other && errors.Is(err, token.ErrClaims) {
			return
		}
		if err != nil {
			t.Fatalf("claims that were read cannot be written: %v", err)
		}
		back, err := token.ParseClaims(out)
		again, _ := back.Marshal()
		if err != nil || string(again) != string(out) {
			t.Fatalf("%s became %s: %v", out, again, err)
		}
	})
}
