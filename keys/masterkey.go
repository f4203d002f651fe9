package keys

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

const (
	masterKeyPrefix = "signet_mk_"
	masterKeySize   = 32
)

// MasterKey seals what the store must not hold in the clear. It prints as
// its id and nothing else.
type MasterKey struct{ key [masterKeySize]byte }

// NewMasterKey makes one from 32 bytes of random, which must be
// crypto/rand.Reader outside of tests. It panics if random fails, since
// nothing sensible can follow.
func NewMasterKey(random io.Reader) MasterKey {
	var m MasterKey
	if _, err := io.ReadFull(random, m.key[:]); err != nil {
		panic("keys: no randomness: " + err.Error())
	}
	return m
}

// ParseMasterKey reads the text form: one line, with or without its end.
// Errors wrap ErrMasterKey and never show the text.
func ParseMasterKey(text []byte) (MasterKey, error) {
	line := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	switch {
	case len(line) == 0:
		return MasterKey{}, fmt.Errorf("%w: it is empty", ErrMasterKey)
	case bytes.ContainsAny(line, "\r\n"):
		return MasterKey{}, fmt.Errorf("%w: it has more than one line", ErrMasterKey)
	}
	coded, ok := bytes.CutPrefix(line, []byte(masterKeyPrefix))
	if !ok {
		return MasterKey{}, fmt.Errorf("%w: it does not begin with %s", ErrMasterKey, masterKeyPrefix)
	}
	if want := base64.RawURLEncoding.EncodedLen(masterKeySize); len(coded) != want {
		return MasterKey{}, fmt.Errorf("%w: %d characters follow %s, not %d: it was cut or extended",
			ErrMasterKey, len(coded), masterKeyPrefix, want)
	}
	var m MasterKey
	if _, err := base64.RawURLEncoding.Strict().Decode(m.key[:], coded); err != nil {
		return MasterKey{}, fmt.Errorf("%w: what follows %s is not base64url", ErrMasterKey, masterKeyPrefix)
	}
	if m == (MasterKey{}) {
		return MasterKey{}, fmt.Errorf("%w: it is all zeros", ErrMasterKey)
	}
	return m, nil
}

// Text returns the secret text form, one line with its end, for the file.
func (m MasterKey) Text() []byte {
	return append(base64.RawURLEncoding.AppendEncode([]byte(masterKeyPrefix), m.key[:]), '\n')
}

// ID names the key in public: 16 hexadecimal digits of a hash.
func (m MasterKey) ID() string {
	sum := sha256.Sum256(append([]byte("signet master key id v1\x00"), m.key[:]...))
	return hex.EncodeToString(sum[:8])
}

// derive returns a key of its own for one purpose, so that the master key
// itself encrypts nothing.
func (m MasterKey) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, m.key[:], nil, purpose, 32)
	if err != nil {
		panic("keys: hkdf: " + err.Error()) // only for impossible sizes
	}
	return key
}

func (m MasterKey) String() string               { return "master key " + m.ID() }
func (m MasterKey) GoString() string             { return m.String() }
func (m MasterKey) LogValue() slog.Value         { return slog.StringValue(m.String()) }
func (m MasterKey) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Format redacts under every verb, %x and %d included.
func (m MasterKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }
