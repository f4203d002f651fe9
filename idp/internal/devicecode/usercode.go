package devicecode

import (
	"fmt"
	"io"
)

// alphabet has no vowels, so that no words come out, and no letters that are
// taken for others (RFC 8628, section 6.1). Eight of them are 34 bits: enough
// for a code that lives for minutes and is guessed at slowly (section 5.1).
const alphabet = "BCDFGHJKLMNPQRSTVWXZ"

// newUserCode draws each letter with the same chance: a byte past the last
// whole multiple of the alphabet is drawn again.
func newUserCode(random io.Reader) (string, error) {
	const whole = 256 / len(alphabet) * len(alphabet)
	code := make([]byte, 0, len("XXXX-XXXX"))
	for len(code) < cap(code) {
		if len(code) == 4 {
			code = append(code, '-')
		}
		var b [1]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("devicecode: no randomness: %w", err)
		}
		if int(b[0]) < whole {
			code = append(code, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(code), nil
}
