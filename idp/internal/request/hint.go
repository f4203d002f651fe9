package request

import (
	"errors"

	"signet/idp/internal/client"
	"signet/idp/internal/hint"
	"signet/idp/internal/wire"
)

// hint reads an ID token that we gave to this client, and returns its sub. It
// may be long expired (OpenID Connect Core, section 3.1.2.1), and its key may
// be gone. Signatures are checked all the same: a hint that anybody could
// write would let a client ask who is signed in.
func (p *Parser) hint(c *client.Client, text string) (string, error) {
	said, err := hint.Reader{Issuer: p.o.Issuer, Ring: p.o.Ring}.Read(text)
	if err == nil && said.Client != c.ID {
		err = errors.New("request: a hint for another client")
	}
	if err != nil {
		return "", wire.Field("id_token_hint", "it is no ID token that was given to this client").Because(err)
	}
	return said.Subject, nil
}
