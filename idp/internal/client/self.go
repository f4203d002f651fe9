package client

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"

	"signet/idp/internal/wire"
)

// Self is a client as far as a token of its own depends on it (RFC 6749, section
// 4.4): who it is, and on what terms. It is shared, and never changed.
type Self struct {
	ID string
	Terms
	Unused bool // it registered itself, and nobody used it yet
}

// Terms are what a client may have tokens on. Of many clients most have the same.
type Terms struct {
	Source     Source
	AuthMethod string
	GrantTypes []string
	Scope      string   // what it may ask for; "" is the usual
	Audiences  []string // that it may ask for; none is all
	DPoPBound  bool
}

// Self is what a token of the client's own depends on.
func (c *Client) Self() Self { return Self{c.ID, c.Terms(), c.Source == Registered && !c.Used} }

// Terms are those of the client.
func (c *Client) Terms() Terms {
	return Terms{c.Source, c.AuthMethod, c.GrantTypes, c.Metadata.Scope, c.Client.Audiences, c.DPoPBound}
}

// Public tells whether the client has no way to authenticate.
func (t Terms) Public() bool { return t.AuthMethod == wire.AuthNone }

// HasGrant tells whether the client may use the grant type.
func (t Terms) HasGrant(grantType string) bool { return slices.Contains(t.GrantTypes, grantType) }

// AuthenticateSelf is Authenticate for one who asks for itself, and needs no more
// of the client than Self. It reads nothing where the client did so before, with
// the same secret, and no client was changed since.
func (r *Registry) AuthenticateSelf(ctx context.Context, req *http.Request, form wire.Form) (Self, error) {
	claim, err := read(req, form)
	if err != nil {
		return Self{}, err
	}
	proof := r.proofOf(claim)
	generation := r.stored.current()
	if terms, found := r.stored.recall(proof); found {
		return Self{ID: claim.id, Terms: terms}, nil
	}
	c, err := r.authenticate(ctx, claim, form)
	if err != nil {
		return Self{}, err
	}
	self := c.Self()
	if r.lasting(c, claim) {
		r.stored.remember(self, proof, generation)
	}
	return self, nil
}

// lasting tells whether what proved the client proves it until its record is
// changed: it is a secret, and not the old one, and the client has no end.
func (r *Registry) lasting(c *Client, claim claim) bool {
	bySecret := claim.method == wire.AuthClientSecretBasic || claim.method == wire.AuthClientSecretPost
	stored := c.Source == Stored || c.Source == Registered
	return bySecret && stored && c.ExpiresAt.IsZero() && !r.o.Now().Before(c.OldUntil)
}

// proof names a client with its secret, and the method by which it was shown.
type proof [14]byte

// proofOf is made with a key, so that nobody can choose two that are the same,
// and nobody who sees one can try secrets.
func (r *Registry) proofOf(c claim) (p proof) {
	var room [256]byte // so that a usual one is not copied to the heap
	text := append(room[:0], r.proofs[:]...)
	for _, part := range [...]string{c.method, c.id} {
		text = append(binary.BigEndian.AppendUint32(text, uint32(len(part))), part...)
	}
	sum := sha256.Sum256(append(text, c.secret...))
	copy(p[:], sum[:])
	return p
}
