package hint

import (
	"errors"
	"fmt"
	"strings"

	"signet/idp/internal/jose"
	"signet/keys"
	"signet/resource/token"
)

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("hint: not an ID token of this issuer")

// Ring is where the keys are; *keys.Ring is one.
type Ring interface {
	Snapshot() *keys.Snapshot
}

// Reader reads the ID tokens of one issuer.
type Reader struct {
	Issuer string
	Ring   Ring
}

// Hint is what an ID token of ours said.
type Hint struct {
	Client  string // whom it was for
	Subject string // as that client knows the person
	SID     string // the session, as that client knows it; "" where none was named
}

// Read checks the signature and what kind of token it is. Whether the client
// and the person are still there is for the caller. The error is ErrInvalid.
func (r Reader) Read(text string) (Hint, error) {
	u, err := jose.Parse(text)
	if err != nil {
		return Hint{}, invalid(err)
	}
	// RFC 8725, section 3.11: no other token of ours is taken for one.
	if !token.IsTyp(u.Header().Typ, token.TypID) {
		return Hint{}, invalid(errors.New("of another type"))
	}
	v, err := r.verify(u)
	if err != nil {
		return Hint{}, invalid(err)
	}
	var said struct {
		Issuer   string           `json:"iss"`
		Subject  string           `json:"sub"`
		Audience jose.Audience    `json:"aud"`
		Expiry   jose.NumericDate `json:"exp"`
		Party    string           `json:"azp"`
		SID      string           `json:"sid"`
	}
	if err := v.Claims(&said); err != nil {
		return Hint{}, invalid(err)
	}
	// A signed userinfo answer has the same typ, but neither exp nor azp.
	if said.Issuer != r.Issuer || said.Subject == "" || said.Expiry == 0 || len(said.Audience) != 1 || said.Party != said.Audience[0] {
		return Hint{}, invalid(errors.New("its claims are not those of an ID token of ours"))
	}
	return Hint{Client: said.Party, Subject: said.Subject, SID: said.SID}, nil
}

// verify also uses a key that is gone. A revoked one counts for nothing:
// whoever stole it could write any hint.
func (r Reader) verify(u *jose.Unverified) (*jose.Verified, error) {
	ring, kid := r.Ring.Snapshot(), u.Header().Kid
	public, alg, _, ok := ring.Public(kid)
	if !ok {
		var why string
		if public, alg, why, ok = ring.Ever(kid); ok && strings.HasPrefix(why, keys.WhyRevoked) {
			return nil, errors.New("its key was revoked")
		}
	}
	if !ok {
		return nil, jose.ErrNoKey
	}
	return u.VerifyKey(public, string(alg))
}

func invalid(cause error) error { return fmt.Errorf("%w: %w", ErrInvalid, cause) }
