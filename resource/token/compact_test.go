package token_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"signet/resource/token"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestParseCompactTakesAWellFormedTokenApart(t *testing.T) {
	text := b64(`{"alg":"ES256","kid":"k1","typ":"at+jwt","other":{"a":[1]}}`) + "." + b64(`{"iss":"x"}`) + "." + b64("sig")
	c, err := token.ParseCompact(text)
	if err != nil {
		t.Fatal(err)
	}
	want := token.Header{Alg: token.ES256, KID: "k1", Named: true, Typ: "at+jwt"}
	if c.Header != want {
		t.Errorf("header %+v, want %+v", c.Header, want)
	}
	if string(c.Payload) != `{"iss":"x"}` || string(c.Signature) != "sig" {
		t.Errorf("payload %q, signature %q", c.Payload, c.Signature)
	}
	if c.SigningInput+"."+b64("sig") != text {
		t.Errorf("signing input %q", c.SigningInput)
	}
}

func TestParseCompactTellsOfEmbeddedKeysAndExtensions(t *testing.T) {
	text := b64(`{"alg":"ES256","crit":["b64"],"jwk":{},"jku":"https://x","x5u":"https://x","x5c":[]}`) + "." + b64("{}") + "."
	c, err := token.ParseCompact(text)
	if err != nil {
		t.Fatal(err)
	}
	if h := c.Header; !h.Crit || !h.JWK || !h.JKU || !h.X5U || !h.X5C {
		t.Errorf("header %+v, want all five seen", h)
	}
}

func TestParseCompactRefusesWhateverHasAnotherSpelling(t *testing.T) {
	h, p, s := b64(`{"alg":"ES256"}`), b64(`{}`), b64("signature")
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", token.ErrLength},
		{"more than the bound", h + "." + p + "." + strings.Repeat("A", token.MaxLength), token.ErrLength},
		{"one part", h, token.ErrParts},
		{"two parts", h + "." + p, token.ErrParts},
		{"four parts", h + "." + p + "." + s + "." + s, token.ErrParts},
		{"an encrypted token of five parts", h + "." + p + "." + s + "." + s + "." + s, token.ErrParts},
		{"the JSON serialization", `{"payload":"` + p + `","protected":"` + h + `","signature":"` + s + `"}`, token.ErrParts},
		{"the JSON serialization with two dots", `{"payload":"` + p + `.","protected":"` + h + `.","signature":"` + s + `"}`, token.ErrEncoding},
		{"padding", b64(`{"alg":"ES256"} `) + "==." + p + "." + s, token.ErrEncoding},
		{"padding of the signature", h + "." + p + "." + b64("ab") + "=", token.ErrEncoding},
		{"the standard alphabet", h + "." + p + "." + "+/+/", token.ErrEncoding},
		{"a space before", " " + h + "." + p + "." + s, token.ErrEncoding},
		{"a space after", h + "." + p + "." + s + " ", token.ErrEncoding},
		{"a line break inside", h + "." + p + "." + s[:4] + "\n" + s[4:], token.ErrEncoding},
		{"a carriage return inside", h + "." + p[:1] + "\r" + p[1:] + "." + s, token.ErrEncoding},
		{"a tab inside", h[:4] + "\t" + h[4:] + "." + p + "." + s, token.ErrEncoding},
		{"trailing bits that are not zero", h + "." + p + "." + "AB", token.ErrEncoding},
		{"a lone character", h + "." + p + "." + "A", token.ErrEncoding},
		{"a NUL", h + "." + p + "." + s + "\x00", token.ErrEncoding},
		{"no header", "." + p + "." + s, token.ErrHeader},
		{"a header that is an array", b64(`["alg"]`) + "." + p + "." + s, token.ErrHeader},
		{"a header with alg twice", b64(`{"alg":"ES256","alg":"none"}`) + "." + p + "." + s, token.ErrHeader},
		{"a header with alg twice, once escaped", b64(`{"alg":"ES256","\u0061lg":"none"}`) + "." + p + "." + s, token.ErrHeader},
		{"a header with duplicates deep inside", b64(`{"alg":"ES256","x":{"a":1,"a":2}}`) + "." + p + "." + s, token.ErrHeader},
		{"a header whose alg is a number", b64(`{"alg":256}`) + "." + p + "." + s, token.ErrHeader},
		{"a header whose kid is null", b64(`{"alg":"ES256","kid":null}`) + "." + p + "." + s, token.ErrHeader},
		{"a header that is cut off", b64(`{"alg":"ES256"`) + "." + p + "." + s, token.ErrHeader},
		{"a header followed by another", b64(`{"alg":"ES256"}{}`) + "." + p + "." + s, token.ErrHeader},
		{"a header followed by a letter", b64(`{"alg":"ES256"} x`) + "." + p + "." + s, token.ErrHeader},
		{"a header that is not UTF-8", b64("{\"alg\":\"\xff\"}") + "." + p + "." + s, token.ErrHeader},
		{"a header with a byte order mark", b64("\uFEFF{}") + "." + p + "." + s, token.ErrHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := token.ParseCompact(c.text)
			if !errors.Is(err, c.want) || !errors.Is(err, token.ErrMalformed) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestIsTypComparesMediaTypes(t *testing.T) {
	for _, yes := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"} {
		if !token.IsTyp(yes, token.TypAccess) {
			t.Errorf("%q is not taken for at+jwt", yes)
		}
	}
	for _, no := range []string{"", "JWT", "at+jwt ", "application/", "application/application/at+jwt", "text/at+jwt", "statuslist+jwt"} {
		if token.IsTyp(no, token.TypAccess) {
			t.Errorf("%q is taken for at+jwt", no)
		}
	}
}

func FuzzParseCompact(f *testing.F) {
	f.Add(b64(`{"alg":"ES256","kid":"k"}`) + "." + b64(`{"iss":"x"}`) + "." + b64("s"))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := token.ParseCompact(text)
		if err != nil {
			if !errors.Is(err, token.ErrMalformed) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		// One spelling: what was read, written again, is what came in.
		enc := base64.RawURLEncoding
		again := enc.EncodeToString(c.Protected) + "." + enc.EncodeToString(c.Payload) + "." + enc.EncodeToString(c.Signature)
		if again != text {
			t.Fatalf("%q and %q are read alike", text, again)
		}
	})
}
