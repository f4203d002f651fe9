package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"signet/resource/token"
)

// NonceKeySize is the size of a key of Nonces, in bytes.
const NonceKeySize = 32

// Nonces makes the nonces of a server and knows them again, with a key and no
// memory (RFC 9449 sections 8 and 9): a nonce is the number of a span of time,
// with a MAC. Servers that stand behind one name share the key, and nobody
// else has it. It is used by many goroutines at once.
type Nonces struct {
	key  []byte
	span time.Duration
}

// NewNonces returns the nonces under key, which has NonceKeySize random bytes.
// A nonce is good in the span in which it was made and in the next.
func NewNonces(key []byte, span time.Duration) (*Nonces, error) {
	if len(key) != NonceKeySize {
		return nil, errors.New("dpop: a key for nonces has 32 bytes")
	}
	if span < time.Second {
		return nil, errors.New("dpop: a nonce must be good for a second at least")
	}
	return &Nonces{key: slices.Clone(key), span: span}, nil
}

// At is the nonce that is given out at now.
func (n *Nonces) At(now time.Time) string { return n.nonce(n.number(now)) }

// Good says whether nonce is one of ours and recent at now.
func (n *Nonces) Good(nonce string, now time.Time) bool {
	raw, err := token.Decode(nonce)
	if err != nil || len(raw) != 8+macSize {
		return false
	}
	present, number := n.number(now), binary.BigEndian.Uint64(raw)
	// One of the next span comes from a server whose clock is ahead.
	near := number == present || number+1 == present || number == present+1
	return near && hmac.Equal([]byte(nonce), []byte(n.nonce(number)))
}

// macSize is enough where each guess is a request.
const macSize = 16

func (n *Nonces) number(now time.Time) uint64 {
	return uint64(max(0, now.Unix())) / uint64(n.span/time.Second)
}

func (n *Nonces) nonce(number uint64) string {
	raw := binary.BigEndian.AppendUint64(nil, number)
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte("signet dpop nonce\x00"))
	mac.Write(raw)
	return base64.RawURLEncoding.EncodeToString(append(raw, mac.Sum(nil)[:macSize]...))
}
