package data

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// ErrID says that a text is not an identifier.
var ErrID = errors.New("data: not an identifier")

var lower32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// raw64 refuses trailing bits, so that a value has one text only.
var raw64 = base64.RawURLEncoding.Strict()

// newName returns 128 random bits as 26 characters.
func newName(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("data: no randomness: %w", err)
	}
	return lower32.EncodeToString(b[:]), nil
}

const userIDLen = 26

// UserID names a user forever: 128 random bits in 26 characters of lower-case
// base32. It says nothing about the user.
type UserID string

// ParseUserID accepts exactly what Signet makes. The error wraps ErrID.
func ParseUserID(text string) (UserID, error) {
	b, err := lower32.DecodeString(text)
	if err != nil || len(b) != 16 || lower32.EncodeToString(b) != text {
		return "", fmt.Errorf("%w: a user is named by 26 characters of a-z and 2-7", ErrID)
	}
	return UserID(text), nil
}

// UserIDOf is the id of these bits, whether or not somebody has it.
func UserIDOf(bits [16]byte) UserID {
	var text [userIDLen]byte
	lower32.Encode(text[:], bits[:])
	return UserID(text[:])
}

// Bits undoes UserIDOf. What is no id has none: they are zeros.
func (id UserID) Bits() (bits [16]byte) {
	if b, err := lower32.DecodeString(string(id)); err == nil && len(b) == len(bits) {
		return [16]byte(b)
	}
	return bits
}

// GrantID names a grant: 128 random bits.
type GrantID [16]byte

// String returns 22 characters of unpadded base64url, the claim sid.
func (id GrantID) String() string { return raw64.EncodeToString(id[:]) }

// ParseGrantID undoes String. The error wraps ErrID.
func ParseGrantID(text string) (GrantID, error) {
	var id GrantID
	// The length comes first: the decoder skips line breaks.
	if len(text) == 22 {
		if n, err := raw64.Decode(id[:], []byte(text)); err == nil && n == len(id) {
			return id, nil
		}
	}
	return GrantID{}, fmt.Errorf("%w: a grant is named by 22 characters of base64url", ErrID)
}

// MarshalText writes the id as String does.
func (id GrantID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *GrantID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseGrantID(string(text))
	return err
}

// InvitationCode is the secret that lets someone register. Only its hash is
// stored, and it never shows itself in a log.
type InvitationCode string

const invitationCodePrefix = "signet_iv_"

// newInvitationCode returns 256 random bits behind the prefix that secret
// scanners look for.
func newInvitationCode(random io.Reader) (InvitationCode, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("data: no randomness: %w", err)
	}
	return InvitationCode(invitationCodePrefix + raw64.EncodeToString(b[:])), nil
}

// Hash is what the store knows of the code. A text that no invitation has
// gives a hash that no invitation has.
func (c InvitationCode) Hash() InvitationHash { return sha256.Sum256([]byte(c)) }

// Format hides the code from every verb. string(c) shows it.
func (c InvitationCode) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[invitation code]") }

// LogValue hides the code.
func (c InvitationCode) LogValue() slog.Value { return slog.StringValue("[invitation code]") }

// InvitationHash is the SHA-256 of a code. The zero value is no invitation.
type InvitationHash [32]byte

// String returns the hash in base64url, to name an invitation.
func (h InvitationHash) String() string { return raw64.EncodeToString(h[:]) }

// MarshalText writes the hash as String does.
func (h InvitationHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *InvitationHash) UnmarshalText(text []byte) error {
	if len(text) == 43 {
		if n, err := raw64.Decode(h[:], text); err == nil && n == len(h) {
			return nil
		}
	}
	return fmt.Errorf("%w: an invitation is named by 43 characters of base64url", ErrID)
}
