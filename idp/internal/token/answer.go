package token

import (
	"errors"
	"time"

	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// allowed is what a grant's step leaves to be signed. The client, its key and
// the lifetimes are not in it: they are the same whatever the grant type.
type allowed struct {
	profile mint.Profile
	access  mint.Access
	id      *mint.ID // nil: no ID token goes along
	refresh grant.RefreshToken
	issued  string // the issued_token_type (RFC 8693, section 2.2.1)
}

// answer is that of RFC 6749, section 5.1. The scope is always in it, so that
// nobody has to know whether it is the one that was asked for.
type answer struct {
	AccessToken  string `json:"access_token"`
	IssuedType   string `json:"issued_token_type,omitempty"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// sign signs what was allowed. An access token is bound to the key that the
// client proved, whatever the grant type (RFC 9449, section 5).
func (a *API) sign(r request, o allowed) (answer, error) {
	o.access.ClientID, o.access.JKT = r.self.ID, r.jkt
	access, err := a.signed(a.Mint.Access(o.profile, o.access))
	if err != nil {
		return answer{}, err
	}
	out := answer{
		AccessToken: access.Value, IssuedType: o.issued, TokenType: "Bearer",
		ExpiresIn: int64(access.ExpiresIn / time.Second), RefreshToken: string(o.refresh), Scope: o.access.Scope,
	}
	if r.jkt != "" {
		out.TokenType = "DPoP"
	}
	if o.id == nil {
		return out, nil
	}
	o.id.ClientID, o.id.Alg, o.id.TTL, o.id.AccessToken = r.self.ID, token.Alg(r.client.IDTokenAlg), a.IDTTL, access.Value
	id, err := a.signed(a.Mint.ID(*o.id))
	out.IDToken = id.Value
	return out, err
}

func (a *API) signed(c *mint.Checked, err error) (mint.Token, error) {
	if err != nil {
		return mint.Token{}, err
	}
	return a.Mint.Sign(c)
}

// refusal is what an error of a grant's step means here. All that can be wrong
// with a grant sounds the same to who presents it (RFC 6749, section 5.2); the
// cause is for the log.
func refusal(err error) error {
	var e *wire.Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, grant.ErrInvalid), errors.Is(err, grant.ErrCode):
		return wire.Refuse(wire.CodeInvalidGrant, "The grant is not valid: it is unknown, over, used or revoked, "+
			"or does not belong to this client, redirect URI, verifier or key.").Because(err)
	case errors.Is(err, mint.ErrAudience):
		return wire.Refuse(wire.CodeInvalidTarget, "No token can be for these audiences together.").Because(err)
	case errors.Is(err, mint.ErrNoKeyYet):
		return wire.Unavailable("The client's signing algorithm was added a moment ago and has no key yet.", time.Minute, err)
	}
	return err
}
