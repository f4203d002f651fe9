package grant

import (
	"crypto/subtle"

	"signet/data"
)

const hintSize = 16

// A hint says whose a token is to an issuer before it reads anything, and to
// nobody else: the user and the grant in one block under a key that only
// issuers have. Both are random, so no two grants have the same hint or hints
// that look alike, whoever their users are. It is no more than a guess at what
// to read; whose the grant is, its record says.
type hint [hintSize]byte

func (s *Service) hint(user data.UserID, grant data.GrantID) (h hint) {
	bits := user.Bits()
	subtle.XORBytes(h[:], bits[:], grant[:])
	s.hints.Encrypt(h[:], h[:])
	return h
}

// likely is whose the token is if it is ours: anybody, where it is not. Nothing
// is known of the user of a token without a hint.
func (s *Service) likely(t token) data.UserID {
	if t.short {
		return ""
	}
	bits := t.hint
	s.hints.Decrypt(bits[:], bits[:])
	subtle.XORBytes(bits[:], bits[:], t.grant[:])
	return data.UserIDOf(bits)
}
