package token_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"signet/resource/token"
)

// The example of Token Status List, section 4.1: 16 tokens, one bit each.
func TestTheBitsOfTheSpecificationAreRead(t *testing.T) {
	l, err := token.ParseStatusList([]byte(`{"sub":"https://id.example.com/l","iat":1,"status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}`))
	if err != nil || !bytes.Equal(l.Bits, []byte{0xb9, 0xa3}) {
		t.Fatalf("%x, %v", l.Bits, err)
	}
	for i, want := range []bool{true, false, false, true, true, true, false, true, true, true, false, false, false, true, false, true} {
		if revoked, ok := l.Revoked(uint32(i)); revoked != want || !ok {
			t.Errorf("index %d: %v, %v", i, revoked, ok)
		}
	}
	for _, index := range []uint32{16, 17, 1 << 20, 1<<32 - 1} {
		if revoked, ok := l.Revoked(index); ok || revoked {
			t.Errorf("index %d has a status", index)
		}
	}
}

func TestAStatusListIsReadAsItWasWritten(t *testing.T) {
	full := make([]byte, token.MaxStatusBytes)
	for i := range full {
		full[i] = byte(rand.Uint32())
	}
	for _, bits := range [][]byte{{0}, {1, 0, 128}, make([]byte, 1<<17), full} {
		l := token.StatusList{Issuer: "https://id.example.com", Subject: "https://id.example.com/l", IssuedAt: 5, Expiry: 9, TTL: 60,
			Bits: bits, Aggregation: "https://id.example.com/all"}
		raw, err := l.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := token.ParseStatusList(raw); err != nil || !reflect.DeepEqual(got, l) {
			t.Errorf("%d bytes: %v", len(bits), err)
		}
	}
}

// packed is zlib over bits, as it stands in a list, after change.
func packed(t testing.TB, bits []byte, change func([]byte) []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(bits); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()
	if change != nil {
		raw = change(raw)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func TestBitsThatAreNotPackedAsTheyShouldBeAreNone(t *testing.T) {
	bits := bytes.Repeat([]byte{1, 2, 3}, 1000)
	good := packed(t, bits, nil)
	var withDictionary bytes.Buffer
	w, _ := zlib.NewWriterLevelDict(&withDictionary, zlib.BestCompression, []byte("dictionary"))
	_, _ = w.Write([]byte("dictionary"))
	_ = w.Close()
	for name, lst := range map[string]string{
		"nothing":                    "",
		"no bits":                    packed(t, nil, nil),
		"more than may be":           packed(t, make([]byte, token.MaxStatusBytes+1), nil),
		"a bomb":                     packed(t, make([]byte, 16<<20), nil),
		"cut before the checksum":    packed(t, bits, func(b []byte) []byte { return b[:len(b)-4] }),
		"cut within the checksum":    packed(t, bits, func(b []byte) []byte { return b[:len(b)-1] }),
		"cut in the middle":          packed(t, bits, func(b []byte) []byte { return b[:len(b)/2] }),
		"another checksum":           packed(t, bits, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }),
		"something behind":           packed(t, bits, func(b []byte) []byte { return append(b, 0) }),
		"a second stream behind":     packed(t, bits, func(b []byte) []byte { return append(b, b...) }),
		"something in front":         packed(t, bits, func(b []byte) []byte { return append([]byte{0}, b...) }),
		"deflate alone":              packed(t, bits, func(b []byte) []byte { return b[2 : len(b)-4] }),
		"with a dictionary":          base64.RawURLEncoding.EncodeToString(withDictionary.Bytes()),
		"padded":                     good + "=",
		"in the other alphabet":      base64.RawStdEncoding.EncodeToString([]byte{0x78, 0xda, 0xfb, 0xff}),
		"a line break":               good[:4] + `\n` + good[4:],
		"bits beyond the last octet": "eNrbuRgAAhcBXR",
		"not base64":                 "!",
	} {
		raw := `{"sub":"s","iat":1,"status_list":{"bits":1,"lst":"` + lst + `"}}`
		if l, err := token.ParseStatusList([]byte(raw)); !errors.Is(err, token.ErrStatusList) || l.Bits != nil {
			t.Errorf("%s: got %d bytes, %v", name, len(l.Bits), err)
		}
	}
	if l, err := token.ParseStatusList([]byte(`{"status_list":{"bits":1,"lst":"` + good + `"}}`)); err != nil || !bytes.Equal(l.Bits, bits) {
		t.Errorf("as it should be: %v", err)
	}
}

func TestParseStatusListRefusesOtherTypes(t *testing.T) {
	const bits = `"bits":1,"lst":"eNrbuRgAAhcBXQ"`
	for _, raw := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{}`, `{}{}`, `{"status_list":{` + bits + `}}x`, "{\"sub\":\"\xff\",\"status_list\":{" + bits + "}}",
		`{"status_list":null}`, `{"status_list":[]}`, `{"status_list":"x"}`, `{"status_list":{}}`, `{"status_list":{` + bits + `}`,
		`{"status_list":{"bits":1}}`, `{"status_list":{"lst":"eNrbuRgAAhcBXQ"}}`,
		`{"status_list":{` + bits + `,"bits":1}}`, `{"status_list":{` + bits + `,"\u0062its":1}}`, `{"status_list":{` + bits + `,"lst":""}}`,
		`{"status_list":{` + bits + `},"status_list":{` + bits + `}}`, `{"iss":"a","iss":"a","status_list":{` + bits + `}}`,
		`{"status_list":{"bits":0,"lst":"eNrbuRgAAhcBXQ"}}`, `{"status_list":{"bits":2,"lst":"eNrbuRgAAhcBXQ"}}`,
		`{"status_list":{"bits":8,"lst":"eNrbuRgAAhcBXQ"}}`, `{"status_list":{"bits":-1,"lst":"eNrbuRgAAhcBXQ"}}`,
		`{"status_list":{"bits":1.0,"lst":"eNrbuRgAAhcBXQ"}}`, `{"status_list":{"bits":"1","lst":"eNrbuRgAAhcBXQ"}}`,
		`{"status_list":{"bits":true,"lst":"eNrbuRgAAhcBXQ"}}`, `{"status_list":{"bits":1,"lst":["eNrbuRgAAhcBXQ"]}}`,
		`{"status_list":{` + bits + `,"aggregation_uri":1}}`,
		`{"iss":1,"status_list":{` + bits + `}}`, `{"sub":null,"status_list":{` + bits + `}}`, `{"iat":"1","status_list":{` + bits + `}}`,
		`{"iat":0,"status_list":{` + bits + `}}`, `{"exp":0.5,"status_list":{` + bits + `}}`, `{"exp":-1,"status_list":{` + bits + `}}`,
		`{"ttl":-1,"status_list":{` + bits + `}}`, `{"ttl":4294967296,"status_list":{` + bits + `}}`, `{"ttl":"60","status_list":{` + bits + `}}`,
		`{"x":{"a":1,"a":1},"status_list":{` + bits + `}}`,
	} {
		if l, err := token.ParseStatusList([]byte(raw)); !errors.Is(err, token.ErrStatusList) {
			t.Errorf("%s: got %+v, %v; want ErrStatusList", raw, l, err)
		}
	}
}

func TestTheStatusClaimIsReadStrictly(t *testing.T) {
	for raw, want := range map[string]token.StatusRef{
		`{"status":{"status_list":{"idx":0,"uri":"u"}}}`:                              {URI: "u"},
		`{"status":{"status_list":{"idx":4294967295,"uri":"u","x":[1]}}}`:             {Index: 1<<32 - 1, URI: "u"},
		`{"status":{"identifier_list":{"id":"x"},"status_list":{"uri":"u","idx":7}}}`: {Index: 7, URI: "u"},
		`{"status":{"identifier_list":{"id":"x"}}}`:                                   {},
		`{"status":{}}`: {},
		`{}`:            {},
	} {
		if c, err := token.ParseClaims([]byte(raw)); err != nil || c.Status.List != want {
			t.Errorf("%s: got %+v, %v", raw, c.Status, err)
		}
	}
	for _, status := range []string{
		`null`, `1`, `"u"`, `[]`, `{"status_list":null}`, `{"status_list":[]}`, `{"status_list":{}}`, `{"status_list":{"idx":1}}`,
		`{"status_list":{"uri":"u"}}`, `{"status_list":{"idx":1,"uri":""}}`, `{"status_list":{"idx":-1,"uri":"u"}}`,
		`{"status_list":{"idx":1.5,"uri":"u"}}`, `{"status_list":{"idx":1e3,"uri":"u"}}`, `{"status_list":{"idx":"1","uri":"u"}}`,
		`{"status_list":{"idx":4294967296,"uri":"u"}}`, `{"status_list":{"idx":1,"uri":null}}`, `{"status_list":{"idx":1,"idx":2,"uri":"u"}}`,
		`{"status_list":{"idx":1,"uri":"u","uri":"v"}}`, `{"status_list":{"idx":1,"uri":"u"},"status_list":{"idx":1,"uri":"u"}}`,
		`{"status_list":{"idx":1,"uri":"u"}},"status":{}`,
	} {
		if c, err := token.ParseClaims([]byte(`{"status":` + status + `}`)); !errors.Is(err, token.ErrClaims) {
			t.Errorf("%s: got %+v, %v; want ErrClaims", status, c.Status, err)
		}
	}
}

// FuzzParseStatusList reads whatever it is given, and once more what it made
// of it.
func FuzzParseStatusList(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := token.ParseStatusList(raw)
		if err != nil {
			if !errors.Is(err, token.ErrStatusList) || l.Bits != nil {
				t.Fatalf("got %+v, %v", l, err)
			}
			return
		}
		if len(l.Bits) == 0 || len(l.Bits) > token.MaxStatusBytes || !json.Valid(raw) {
			t.Fatalf("%d bytes of bits from %q", len(l.Bits), raw)
		}
		again, err := l.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := token.ParseStatusList(again); err != nil && l.IssuedAt != 0 || err == nil && !reflect.DeepEqual(back, l) {
			t.Fatalf("%q came back as %+v, %v", raw, back, err)
		}
	})
}

// FuzzUnpack reads raw as what stands in lst: it is good if it is one whole
// zlib stream, and nothing else.
func FuzzUnpack(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := token.ParseStatusList([]byte(`{"status_list":{"bits":1,"lst":"` + base64.RawURLEncoding.EncodeToString(raw) + `"}}`))
		var bits []byte
		rest := bytes.NewReader(raw)
		r, zerr := zlib.NewReader(rest)
		if zerr == nil {
			bits, zerr = io.ReadAll(io.LimitReader(r, token.MaxStatusBytes+1))
		}
		whole := zerr == nil && rest.Len() == 0 && len(bits) > 0 && len(bits) <= token.MaxStatusBytes
		if (err == nil) != whole || whole && !bytes.Equal(l.Bits, bits) {
			t.Fatalf("%x: %v, and zlib says %v with %d bytes left", raw, err, zerr, rest.Len())
		}
	})
}

// BenchmarkRevoked looks into a list of a million tokens.
func BenchmarkRevoked(b *testing.B) {
	l := token.StatusList{Bits: make([]byte, 1<<17)}
	b.ReportAllocs()
	var n uint32
	for b.Loop() {
		n = n*1664525 + 1013904223
		if revoked, ok := l.Revoked(n % (1 << 20)); revoked || !ok {
			b.Fatal("wrong")
		}
	}
}
