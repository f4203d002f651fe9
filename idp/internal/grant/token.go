package grant

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"signet/data"
)

// Prefix begins every refresh token, so that secret scanners find one that was
// pasted where it does not belong.
const Prefix = "signet_rt_"

// RefreshToken is the text that a client holds. Logs and formatted text do not
// show it, string(t) does.
type RefreshToken string

const hidden = "[refresh token]"

// Format hides the token from every verb.
func (t RefreshToken) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the token.
func (t RefreshToken) LogValue() slog.Value { return slog.StringValue(hidden) }

const (
	macSize  = 32
	bodySize = 16 + 4 + 4 + macSize // grant, generation, MAC key, MAC
)

var textSize = len(Prefix) + base64.RawURLEncoding.EncodedLen(bodySize)

// token is what a refresh token says, before anyone believes it.
type token struct {
	grant      data.GrantID
	generation uint32
	key        uint32
	mac        [macSize]byte
}

// parse accepts exactly what text makes: one text for one token, no padding, no
// other alphabet, no white space, no bits to spare.
func parse(text string) (token, error) {
	if len(text) != textSize || !strings.HasPrefix(text, Prefix) {
		return token{}, fmt.Errorf("%w: another form", ErrMalformed)
	}
	var body [bodySize]byte
	// The decoder skips line breaks, and then fills less than the body.
	n, err := base64.RawURLEncoding.Strict().Decode(body[:], []byte(text[len(Prefix):]))
	if err != nil || n != bodySize {
		return token{}, fmt.Errorf("%w: not canonical base64url", ErrMalformed)
	}
	t := token{
		grant:      data.GrantID(body[:16]),
		generation: binary.BigEndian.Uint32(body[16:]),
		key:        binary.BigEndian.Uint32(body[20:]),
		mac:        [macSize]byte(body[24:]),
	}
	if t.generation == 0 {
		return token{}, fmt.Errorf("%w: generations begin with 1", ErrMalformed)
	}
	return t, nil
}

func (t token) text() RefreshToken {
	body := make([]byte, 0, bodySize)
	body = append(body, t.grant[:]...)
	body = binary.BigEndian.AppendUint32(body, t.generation)
	body = binary.BigEndian.AppendUint32(body, t.key)
	body = append(body, t.mac[:]...)
	return RefreshToken(Prefix + base64.RawURLEncoding.EncodeToString(body))
}

// domain keeps these MACs apart from any other use of the same keys.
const domain = "signet refresh token v1"

// message is what the MAC is made over. The salt is in the grant's record and
// nowhere else, so the MAC keys alone make no token; the incarnation kills the
// tokens of a store that was restored. Every part has its length before it.
func message(incarnation string, grant data.GrantID, generation uint32, salt [16]byte) []byte {
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], generation)
	msg := make([]byte, 0, 128)
	for _, part := range [...]string{domain, incarnation, string(grant[:]), string(number[:]), string(salt[:])} {
		msg = binary.BigEndian.AppendUint32(msg, uint32(len(part)))
		msg = append(msg, part...)
	}
	return msg
}
