package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// secrets derives what this package keeps from strangers out of one key.
type secrets struct {
	key []byte
}

// tag names something in a counter, without telling what it is.
type tag [16]byte

func (t tag) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// MarshalText writes the tag for the stored counters.
func (t tag) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *tag) UnmarshalText(text []byte) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil || len(b) != len(t) {
		return fmt.Errorf("signin: a counter without a name")
	}
	copy(t[:], b)
	return nil
}

// mac is over the parts, each with its length, so that no two lists of parts
// are the same message.
func (s secrets) mac(purpose string, parts ...[]byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, s.key)
	for _, part := range append([][]byte{[]byte("signet " + purpose + " v1")}, parts...) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (s secrets) tag(purpose string, parts ...[]byte) tag {
	sum := s.mac(purpose, parts...)
	return tag(sum[:16])
}

// browser is one that signed in before: 128 random bits in its cookie.
type browser [16]byte

const (
	knownPurpose = "known browser"
	knownSize    = 16 + 8 + sha256.Size // browser, expiry in Unix seconds, MAC
)

// know returns the cookie that says that this browser has signed in to the
// account. It proves nothing else, and opens nothing.
func (s secrets) know(account tag, b browser, expires time.Time) string {
	body := binary.BigEndian.AppendUint64(b[:], uint64(max(0, expires.Unix())))
	sum := s.mac(knownPurpose, account[:], body)
	return base64.RawURLEncoding.EncodeToString(append(body, sum[:]...))
}

// knows reads a cookie of know. A cookie of another account, one that is past
// its time, and anything else are all the same: no known browser.
func (s secrets) knows(cookie string, account tag, now time.Time) (b browser, known bool) {
	if len(cookie) != base64.RawURLEncoding.EncodedLen(knownSize) {
		return b, false // the decoder would skip line breaks
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil || len(raw) != knownSize {
		return b, false
	}
	body, sum := raw[:24], raw[24:]
	want := s.mac(knownPurpose, account[:], body)
	if !hmac.Equal(sum, want[:]) {
		return b, false
	}
	if now.Unix() >= int64(binary.BigEndian.Uint64(body[16:])) {
		return b, false
	}
	return browser(body[:16]), true
}

func newBrowser(random io.Reader) (b browser, err error) {
	if _, err = io.ReadFull(random, b[:]); err != nil {
		err = fmt.Errorf("signin: no randomness: %w", err)
	}
	return b, err
}
