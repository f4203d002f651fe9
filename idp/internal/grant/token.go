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
	macSize   = 32
	shortSize = 16 + 4 + 4 + macSize // grant, generation, MAC key, MAC
	bodySize  = shortSize + hintSize // with the hint before the MAC
)

// token is what a refresh token says, before anyone believes it. The short form
// is from before there were hints; the length alone tells the two apart.
type token struct {
	grant      data.GrantID
	generation uint32
	key        uint32
	short      bool
	hint       hint // zero in the short form
	mac        [macSize]byte
}

// parse accepts exactly what text makes: one text for one token, no padding, no
// other alphabet, no white space, no bits to spare.
func parse(text string) (token, error) {
	coded, ours := strings.CutPrefix(text, Prefix)
	size := bodySize
	if len(coded) == base64.RawURLEncoding.EncodedLen(shortSize) {
		size = shortSize
	}
	if !ours || len(coded) != base64.RawURLEncoding.EncodedLen(size) {
		return token{}, fmt.Errorf("%w: another form", ErrMalformed)
	}
	var room [bodySize]byte
	body := room[:size]
	// The decoder skips line breaks, and then fills less than the body.
	n, err := base64.RawURLEncoding.Strict().Decode(body, []byte(coded))
	if err != nil || n != size {
		return token{}, fmt.Errorf("%w: not canonical base64url", ErrMalformed)
	}
	t := token{
		grant:      data.GrantID(body[:16]),
		generation: binary.BigEndian.Uint32(body[16:]),
		key:        binary.BigEndian.Uint32(body[20:]),
		short:      size == shortSize,
		mac:        [macSize]byte(body[size-macSize:]),
	}
	if !t.short {
		t.hint = hint(body[24:])
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
	if !t.short {
		body = append(body, t.hint[:]...)
	}
	body = append(body, t.mac[:]...)
	return RefreshToken(Prefix + base64.RawURLEncoding.EncodeToString(body))
}

// The domains keep these MACs apart from any other use of the same keys, and
// those of the two forms from each other.
const (
	shortDomain = "signet refresh token v1"
	domain      = "signet refresh token v2"
)

// message is what the MAC of the token is made over. The salt is in the grant's
// record and nowhere else, so the MAC keys alone make no token; the incarnation
// kills the tokens of a store that was restored. The hint is as it stands in the
// token. Every part has its length before it.
func message(incarnation string, t token, salt [16]byte) []byte {
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], t.generation)
	msg := make([]byte, 0, 128)
	add := func(part []byte) {
		msg = binary.BigEndian.AppendUint32(msg, uint32(len(part)))
		msg = append(msg, part...)
	}
	if t.short {
		add([]byte(shortDomain))
	} else {
		add([]byte(domain))
	}
	add([]byte(incarnation))
	add(t.grant[:])
	add(number[:])
	add(salt[:])
	if !t.short {
		add(t.hint[:])
	}
	return msg
}
