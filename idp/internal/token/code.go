package token

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"signet/data"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
)

// code redeems an authorization code (RFC 6749, section 4.1.3). Everything
// about it is checked before anything changes: a failed check neither spends
// the code nor ends the grant that it gave.
func (a *API) code(ctx context.Context, r request) (allowed, error) {
	code, err := r.form.Need("code")
	if err != nil {
		return allowed{}, err
	}
	var profile mint.Profile
	issued, _, err := a.Grants.Redeem(ctx, code, a.plan(r), func(c data.Code) (err error) {
		if err := r.redeems(c); err != nil {
			return err
		}
		profile, err = a.profile(r, c.Authorization.Audience)
		return err
	})
	if err != nil {
		return allowed{}, err
	}
	return a.person(r, issued, profile, issued.Grant.Scope, issued.Grant.Nonce)
}

// redeems tells whether the request knows all that belongs to the code.
func (r request) redeems(c data.Code) error {
	uri := r.form.Get("redirect_uri")
	switch {
	case c.Authorization.Client != r.self.ID:
		return fmt.Errorf("%w: it was given to another client", grant.ErrCode)
	case uri != c.RedirectURI && (uri != "" || c.SentURI):
		return fmt.Errorf("%w: the redirect URI is another", grant.ErrCode)
	case c.Authorization.JKT != "" && c.Authorization.JKT != r.jkt: // RFC 9449, section 10
		return fmt.Errorf("%w: it is bound to another key", grant.ErrCode)
	}
	return r.verifies(c.Challenge)
}

// verifies compares the verifier with the challenge of the code (RFC 7636,
// section 4.6). A code that was asked for with a challenge needs a verifier,
// and one without takes none: else an attacker who drops the challenge from a
// request would be let in with any (RFC 9700, section 4.8.2). A public client
// has nothing else to show.
func (r request) verifies(challenge string) error {
	verifier := r.form.Get("code_verifier")
	switch {
	case challenge == "" && verifier == "" && !r.self.Public():
		return nil
	case challenge == "":
		return fmt.Errorf("%w: it was asked for without a challenge", grant.ErrCode)
	case !isVerifier(verifier):
		return fmt.Errorf("%w: the verifier is missing or malformed", grant.ErrCode)
	}
	sum := sha256.Sum256([]byte(verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) != 1 {
		return fmt.Errorf("%w: the verifier is another", grant.ErrCode)
	}
	return nil
}

// isVerifier tells whether text has the form of RFC 7636, section 4.1.
func isVerifier(text string) bool {
	return len(text) >= 43 && len(text) <= 128 && !strings.ContainsFunc(text, func(c rune) bool {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.ContainsRune("-._~", c):
			return false
		}
		return true
	})
}
