// Package grant is the life of a grant: the codec of refresh tokens, the turn
// that gives a new token for an old one, and the end.
//
// A refresh token is not stored anywhere, hashed or otherwise: it names its
// grant and a generation, and its MAC needs a key from one place and a salt
// from another. It may hint at its user, to issuers and to nobody else; whose a
// grant is, the store says alone. This package never signs access tokens and
// never authenticates clients; its callers hand in the check, and it comes
// before anything changes.
package grant
