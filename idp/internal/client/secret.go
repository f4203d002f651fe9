package client

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"signet/data"
)

// SecretPrefix begins every secret that Signet makes for a client, so that
// secret scanners know it.
const SecretPrefix = "signet_cs_"

// hasSecret tells in constant time whether the hash is that of a secret of c:
// the present one, or the one before for as long as it is good. A nil client
// has none, and takes as long.
func (r *Registry) hasSecret(c *Client, presented data.Hash) bool {
	var present, old data.Hash
	var until time.Time
	if c != nil {
		present, old, until = c.SecretHash, c.OldHash, c.OldUntil
	}
	// No text has the hash zero, which stands for no secret.
	matches := subtle.ConstantTimeCompare(presented[:], present[:])
	matchesOld := subtle.ConstantTimeCompare(presented[:], old[:])
	if !r.o.Now().Before(until) {
		matchesOld = 0
	}
	return matches|matchesOld == 1
}

// HasSecret tells in constant time whether the text is a secret of c.
func (r *Registry) HasSecret(c *Client, text string) bool {
	good := r.hasSecret(c, data.HashOf(text))
	for _, secret := range r.hmacSecrets(c) {
		good = subtle.ConstantTimeCompare(secret, []byte(text)) == 1 || good
	}
	return good
}

// derived is the secret of a client that needs it in the clear.
func (r *Registry) derived(id string, salt data.Hash) string {
	key := r.o.Secret.Derive("client-secret", id, string(salt[:]))
	return SecretPrefix + base64.RawURLEncoding.EncodeToString(key[:])
}

// hmacSecrets are the secrets that a client_secret_jwt may be made with.
func (r *Registry) hmacSecrets(c *Client) (all [][]byte) {
	if len(c.secret) > 0 {
		return [][]byte{c.secret}
	}
	if !c.SecretSalt.IsZero() {
		all = append(all, []byte(r.derived(c.ID, c.SecretSalt)))
	}
	if !c.OldSalt.IsZero() && r.o.Now().Before(c.OldUntil) {
		all = append(all, []byte(r.derived(c.ID, c.OldSalt)))
	}
	return all
}

// Subject is how the client knows the user: the same for all, or by its sector
// (OpenID Connect Core, section 8).
func (r *Registry) Subject(c *Client, user data.UserID) string {
	if c.SubjectType != pairwise {
		return string(user)
	}
	name := r.o.Secret.Derive("pairwise", c.sector, string(user))
	return base64.RawURLEncoding.EncodeToString(name[:])
}

// assertionID is what the store remembers of an assertion.
func assertionID(client, jti string) [32]byte {
	return sha256.Sum256([]byte(client + "\x00" + jti))
}
