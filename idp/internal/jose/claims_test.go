package jose

import (
	"errors"
	"slices"
	"testing"
	"time"
)

type timely struct {
	Audience Audience    `json:"aud"`
	Expiry   NumericDate `json:"exp"`
}

func read(payload string) (c timely, err error) {
	return c, (&Verified{payload: []byte(payload)}).Claims(&c)
}

func TestAnAudienceIsAStringOrAList(t *testing.T) {
	for payload, want := range map[string]Audience{
		`{}`: nil, `{"aud":"a"}`: {"a"}, `{"aud":""}`: {""}, `{"aud":["a"]}`: {"a"}, `{"aud":["a","b"]}`: {"a", "b"}, `{"aud":[]}`: {},
	} {
		if c, err := read(payload); err != nil || !slices.Equal(c.Audience, want) {
			t.Errorf("%s: %q, %v", payload, c.Audience, err)
		}
	}
	for _, payload := range []string{`{"aud":7}`, `{"aud":null}`, `{"aud":{"a":"b"}}`, `{"aud":[7]}`, `{"aud":[["a"]]}`} {
		if _, err := read(payload); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", payload, err)
		}
	}
	if a := (Audience{"a", "b"}); !a.Has("b") || a.Has("B") || a.Has("") || Audience(nil).Has("") {
		t.Error("Has")
	}
}

func TestADateMayHaveFractionsAndIsNeverReadAsNone(t *testing.T) {
	for payload, want := range map[string]NumericDate{
		`{}`: 0, `{"exp":1700000000}`: 1700000000, `{"exp":1700000000.9}`: 1700000000, `{"exp":1.7e9}`: 1700000000,
		`{"exp":1}`: 1, `{"exp":253402300799}`: maxDate,
	} {
		if c, err := read(payload); err != nil || c.Expiry != want {
			t.Errorf("%s: %d, %v", payload, c.Expiry, err)
		}
	}
	for _, payload := range []string{
		`{"exp":0}`, `{"exp":0.5}`, `{"exp":-0}`, `{"exp":-1}`, `{"exp":-1700000000}`, `{"exp":253402300800}`, `{"exp":1e400}`,
		`{"exp":1e300}`, `{"exp":"1700000000"}`, `{"exp":null}`, `{"exp":true}`, `{"exp":[1]}`, `{"exp":{}}`,
	} {
		if c, err := read(payload); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %d, %v", payload, c.Expiry, err)
		}
	}
	if At(time.Unix(1700000000, 999)) != 1700000000 || !NumericDate(0).Time().IsZero() || NumericDate(5).Time().Unix() != 5 {
		t.Error("At or Time")
	}
}

func TestClaimsAreNamedByteByByte(t *testing.T) {
	if c, err := read(`{"AUD":"a","Exp":5,"other":{"x":[1]}}`); err != nil || c.Audience != nil || c.Expiry != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}
