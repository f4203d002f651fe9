package data

import (
	"crypto/sha256"
	"fmt"
	"io"
)

// Hash is the SHA-256 of a secret or a name. The zero value is of nothing.
type Hash [32]byte

// HashOf hashes a secret that Signet made. Those have 256 random bits, so no
// salt and no work is needed.
func HashOf(secret string) Hash {
	var room [128]byte // so that a usual one is not copied to the heap
	return sha256.Sum256(append(room[:0], secret...))
}

// String returns 43 characters of unpadded base64url.
func (h Hash) String() string { return raw64.EncodeToString(h[:]) }

// IsZero tells whether this is the hash of nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes the hash as String does.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) == 43 {
		if n, err := raw64.Decode(h[:], text); err == nil && n == len(h) {
			return nil
		}
	}
	return fmt.Errorf("%w: a hash has 43 characters of base64url", ErrID)
}

// NewSecret returns 256 random bits behind a prefix that secret scanners can
// look for, and the hash, which is all that is stored.
func (s *Store) NewSecret(prefix string) (string, Hash, error) {
	var b [32]byte
	if _, err := io.ReadFull(s.o.Rand, b[:]); err != nil {
		return "", Hash{}, fmt.Errorf("data: no randomness: %w", err)
	}
	text := prefix + raw64.EncodeToString(b[:])
	return text, HashOf(text), nil
}

// NewID returns 128 random bits as 26 characters, to name something.
func (s *Store) NewID() (string, error) { return newName(s.o.Rand) }
