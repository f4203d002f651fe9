package signin

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

var (
	testSecrets = secrets{key: []byte("0123456789abcdef0123456789abcdef")}
	anas        = testSecrets.tag("account", []byte(ana))
	noon        = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

func TestAKnownBrowserIsKnownForItsAccountUntilItsTime(t *testing.T) {
	b := browser{1, 2, 3}
	cookie := testSecrets.know(anas, b, noon.Add(time.Hour))
	if got, known := testSecrets.knows(cookie, anas, noon); !known || got != b {
		t.Errorf("got %v, %v", got, known)
	}
	if _, known := testSecrets.knows(cookie, anas, noon.Add(time.Hour)); known {
		t.Error("known past its time")
	}
	if _, known := testSecrets.knows(cookie, testSecrets.tag("account", []byte("bob@example.com")), noon); known {
		t.Error("known for another account")
	}
	if _, known := (secrets{key: []byte("another key")}).knows(cookie, anas, noon); known {
		t.Error("known under another key")
	}
}

func TestACookieThatWasTouchedIsNone(t *testing.T) {
	cookie := testSecrets.know(anas, browser{1}, noon.Add(time.Hour))
	raw, _ := base64.RawURLEncoding.DecodeString(cookie)
	for i := range raw {
		raw[i] ^= 1
		if _, known := testSecrets.knows(base64.RawURLEncoding.EncodeToString(raw), anas, noon); known {
			t.Errorf("known with byte %d changed", i)
		}
		raw[i] ^= 1
	}
	for _, bad := range []string{
		"", cookie[1:], cookie + "A", cookie + "=", "\n" + cookie[1:], cookie[:40] + "\n" + cookie[40:],
		strings.Repeat("A", len(cookie)), strings.Repeat("*", len(cookie)),
	} {
		if _, known := testSecrets.knows(bad, anas, noon); known {
			t.Errorf("%q is known", bad)
		}
	}
}

func TestPartsOfAMessageDoNotRunTogether(t *testing.T) {
	if testSecrets.tag("p", []byte("ab"), []byte("c")) == testSecrets.tag("p", []byte("a"), []byte("bc")) {
		t.Error("two messages have one name")
	}
}

func FuzzKnownCookie(f *testing.F) {
	own := testSecrets.know(anas, browser{1}, noon.Add(time.Hour))
	f.Add(own)
	f.Add("")
	f.Add(own[:len(own)-1] + "=")
	f.Fuzz(func(t *testing.T, cookie string) {
		b, known := testSecrets.knows(cookie, anas, noon)
		if known && testSecrets.know(anas, b, noon.Add(time.Hour)) != cookie {
			t.Fatalf("%q is known and was not made here", cookie)
		}
	})
}
