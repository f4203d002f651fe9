package account

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/bearer"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/signin"
)

// ClientID is the built-in public client, on whose behalf the JSON API acts.
const ClientID = metadata.FirstParty

// amrPassword is how a person of this API proved who they are (RFC 8176).
const amrPassword = "pwd"

// Options name the services that the endpoints use; all are needed.
type Options struct {
	SignIn *signin.Service
	Grants *grant.Service
	Mint   *mint.Mint
	Bearer *bearer.Service
	Issuer string
	Cookie CookieOptions
	Now    func() time.Time
	Logger *slog.Logger
}

// API holds the endpoints.
type API struct {
	Options
	cookies cookies
}

// New makes the endpoints.
func New(o Options) *API {
	return &API{Options: o, cookies: newCookies(o.Cookie)}
}

// tokens is the answer of RFC 6749, section 5.1.
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
}

// start makes a grant for a person who has just signed in, and its first
// tokens.
func (a *API) start(ctx context.Context, user data.User, profile mint.Profile) (grant.Issued, tokens, error) {
	issued, err := a.Grants.Start(ctx, grant.StartRequest{
		User: user, Client: ClientID, Audience: []string{profile.Audience},
		AuthTime: a.Now(), AMR: []string{amrPassword},
	})
	if err != nil {
		return grant.Issued{}, tokens{}, err
	}
	answer, err := a.sign(issued, profile)
	return issued, answer, err
}

// turn takes the next step of a grant, and signs its tokens.
func (a *API) turn(ctx context.Context, refreshToken, audience string) (grant.Issued, tokens, error) {
	var profile mint.Profile
	issued, err := a.Grants.Turn(ctx, refreshToken, func(g data.Grant, u data.User) (err error) {
		if err := ours(g, u); err != nil {
			return err
		}
		profile, err = a.profileOf(g, audience)
		return err
	})
	if err != nil {
		return grant.Issued{}, tokens{}, err
	}
	answer, err := a.sign(issued, profile)
	return issued, answer, err
}

// end ends the grant of a refresh token. One that is not valid has nothing to
// end, which is what its holder wanted (RFC 7009, section 2.2).
func (a *API) end(ctx context.Context, refreshToken string) error {
	_, err := a.Grants.End(ctx, refreshToken, ours)
	if errors.Is(err, grant.ErrInvalid) {
		return nil
	}
	return err
}

// ours keeps this API to the grants that it made.
func ours(g data.Grant, _ data.User) error {
	if g.Client != ClientID {
		return grant.ErrUnknown
	}
	return nil
}

// profileOf is the audience that was asked for, else the grant's own.
func (a *API) profileOf(g data.Grant, audience string) (mint.Profile, error) {
	if audience == "" && len(g.Audience) > 0 {
		audience = g.Audience[0]
	}
	return a.Mint.Profile(audience)
}

// sign makes the access token of a grant as it stands after its transaction.
func (a *API) sign(issued grant.Issued, profile mint.Profile) (tokens, error) {
	checked, err := a.Mint.Access(profile, mint.Access{
		Subject:  string(issued.User.ID),
		ClientID: issued.Grant.Client,
		Scope:    issued.Grant.Scope,
		Roles:    issued.User.Roles,
		SID:      issued.Grant.ID.String(),
		AuthTime: issued.Grant.AuthTime,
		AMR:      issued.Grant.AMR,
		Status:   a.Mint.Status(issued.Slot()),
	})
	if err != nil {
		return tokens{}, err
	}
	access, err := a.Mint.Sign(checked)
	if err != nil {
		return tokens{}, err
	}
	return tokens{
		AccessToken:  access.Value,
		TokenType:    "Bearer",
		ExpiresIn:    int64(access.ExpiresIn / time.Second),
		RefreshToken: string(issued.RefreshToken),
	}, nil
}

// address is who asks, after the trusted proxies had their say. An address
// that cannot be read is the zero one, which all such requests share.
func address(c echo.Context) netip.Addr {
	addr, _ := netip.ParseAddr(c.RealIP())
	return addr.Unmap()
}

func noContent(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
