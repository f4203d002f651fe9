package dpop_test

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"

	"signet/resource/dpop"
)

func newNonces(t *testing.T, key byte) *dpop.Nonces {
	t.Helper()
	n, err := dpop.NewNonces(bytes.Repeat([]byte{key}, dpop.NonceKeySize), 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestANonceIsGoodInItsSpanAndTheNext(t *testing.T) {
	n := newNonces(t, 1)
	start := time.Unix(1700000100, 0) // a span begins here
	nonce := n.At(start)
	for after, good := range map[time.Duration]bool{
		-time.Second:       true, // where a server's clock is behind that of the one that made it
		-301 * time.Second: false, 0: true, 299 * time.Second: true, 300 * time.Second: true, 599 * time.Second: true,
		600 * time.Second: false, time.Hour: false, -time.Hour: false,
	} {
		if n.Good(nonce, start.Add(after)) != good {
			t.Errorf("after %s: %t", after, !good)
		}
	}
	if n.At(start.Add(299*time.Second)) != nonce || n.At(start.Add(300*time.Second)) == nonce {
		t.Error("a nonce does not stay for its span")
	}
}

func TestNoncesOfOthersAreNotGood(t *testing.T) {
	n, now := newNonces(t, 1), time.Unix(1700000000, 0)
	good := n.At(now)
	if !newNonces(t, 1).Good(good, now) {
		t.Error("another server with the key does not know it")
	}
	if newNonces(t, 2).Good(good, now) {
		t.Error("another key knows it")
	}
	for _, bad := range []string{"", "x", good + "A", good[1:], good + "=", good + "\n", " " + good, base64.StdEncoding.EncodeToString([]byte(good))} {
		if n.Good(bad, now) {
			t.Errorf("%q is good", bad)
		}
	}
	for bit := range 8 * len(good) {
		raw := []byte(good)
		raw[bit/8] ^= 1 << (bit % 8)
		if n.Good(string(raw), now) {
			t.Errorf("good with bit %d flipped", bit)
		}
	}
}

// The form is golden: servers of two releases stand behind one name while
// they are replaced.
func TestTheFormOfANonceStays(t *testing.T) {
	if got, want := newNonces(t, 1).At(time.Unix(1700000000, 0)), "AAAAAABWd2qF1Ie7xzV5eA0SLl2H4UzR"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBadKeysAndSpansAreRefused(t *testing.T) {
	if _, err := dpop.NewNonces(make([]byte, 31), time.Minute); err == nil {
		t.Error("a short key is accepted")
	}
	if _, err := dpop.NewNonces(make([]byte, 32), time.Millisecond); err == nil {
		t.Error("a span of no time is accepted")
	}
}
