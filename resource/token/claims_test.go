package token_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"signet/resource/token"
)

func full() token.Claims {
	return token.Claims{
		Issuer: "https://id.example", Subject: "alice", Audience: []string{"api", "files"},
		ClientID: "signet", IssuedAt: 1700000000, Expiry: 1700000600, NotBefore: 1700000001,
		ID: "j1", Scope: "openid posts", Roles: []string{"admin"}, SessionID: "s1",
		AuthTime: 1699999999, AMR: []string{"pwd"},
	}
}

func TestClaimsSurviveTheWayThroughJSON(t *testing.T) {
	raw, err := full().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"iss":"https://id.example","sub":"alice","aud":["api","files"],"client_id":"signet",` +
		`"iat":1700000000,"exp":1700000600,"nbf":1700000001,"jti":"j1","scope":"openid posts",` +
		`"roles":["admin"],"sid":"s1","auth_time":1699999999,"amr":["pwd"]}`
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

func TestParseClaimsRefusesOtherTypes(t *testing.T) {
	for _, raw := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{}{}`, `{"iss":"a","iss":"a"}`, `{"x":{"a":1,"a":1}}`, "{\"sub\":\"\xff\"}",
		`{"iss":1}`, `{"sub":null}`, `{"sub":["a"]}`, `{"client_id":{}}`, `{"jti":true}`, `{"sid":0}`,
		`{"aud":null}`, `{"aud":1}`, `{"aud":[1]}`, `{"aud":["a",null]}`, `{"aud":{"a":"b"}}`,
		`{"exp":"1700000000"}`, `{"exp":null}`, `{"exp":-1}`, `{"exp":0}`, `{"exp":1.5}`, `{"exp":1e9}`, `{"exp":253402300800}`,
		`{"exp":99999999999999999999}`, `{"exp":[1]}`, `{"iat":true}`, `{"nbf":{}}`, `{"auth_time":"x"}`,
		`{"scope":["a"]}`, `{"roles":"admin"}`, `{"roles":[["admin"]]}`, `{"amr":1}`,
	} {
		if c, err := token.ParseClaims([]byte(raw)); !errors.Is(err, token.ErrClaims) {
			t.Errorf("%s: got %+v, %v; want ErrClaims", raw, c, err)
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	a := full()
	b := a.Clone()
	b.Roles[0], b.Audience[0], b.AMR[0] = "x", "x", "x"
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
