package authorize

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/claims"
	"signet/idp/internal/client"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/request"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// prefixCode begins a code, so that secret scanners find one.
const prefixCode = "signet_ac_"

// issue gives the client what it asked for. The request ends in the one
// transaction that stores its code: of two tabs, one gets an answer.
func (a *API) issue(c echo.Context, r request.Request, v visit, s session.Session, out outcome) error {
	ctx := c.Request().Context()
	profile, err := a.Mint.Profiles(r.Audience)
	if err != nil {
		return a.fail(c, r, err)
	}
	if err := a.remember(ctx, r, v, s, out); errors.Is(err, session.ErrSignedOut) {
		return a.refuse(c, r, v, signedOut(err))
	} else if err != nil {
		return err
	}
	given := a.authorization(r, out)
	values := url.Values{}
	code, err := a.code(ctx, r, v, given)
	if errors.Is(err, data.ErrNone) {
		return errOver
	}
	if err != nil {
		return err
	}
	if code != "" {
		values.Set("code", code)
	}
	if r.Response.Front() {
		err := a.front(ctx, r, out.account, given, profile, values)
		if errors.Is(err, grant.ErrEnded) {
			return a.tell(c, r, signedOut(err))
		}
		if err != nil {
			return err
		}
	}
	if r.Has(wire.ScopeOpenID) { // OpenID Connect Session Management, section 2
		state, err := a.Sessions.SessionState(s, r.Client.ID, r.Reply.RedirectURI)
		if err != nil {
			return err
		}
		if state != "" {
			values.Set("session_state", state)
		}
	}
	return a.reply(c, r.Reply, values)
}

func signedOut(cause error) *wire.Error {
	return wire.Refuse(wire.CodeLoginRequired, "The person has just signed out.").Because(cause)
}

// remember notes what the person allowed, that the client is used, and that it
// is to be told when they sign out. All of it comes first: a client that has
// an answer must be among those.
func (a *API) remember(ctx context.Context, r request.Request, v visit, s session.Session, out outcome) error {
	if v.stored.Consented && !r.Client.FirstParty {
		err := a.Store.AddConsent(ctx, data.Consent{User: out.account.User, Client: r.Client.ID,
			Scope: out.scope, Audience: r.Audience, Claims: r.Claims.Names()})
		if err != nil {
			return err
		}
	}
	if err := a.Clients.MarkUsed(ctx, r.Client.Self()); err != nil {
		return err
	}
	return a.Sessions.Touch(ctx, s.Hash, out.account.ID, r.Client.ID)
}

// authorization is what the person allowed, as a grant will have it.
func (a *API) authorization(r request.Request, out outcome) data.Authorization {
	who := out.account
	return data.Authorization{
		Client: r.Client.ID, User: who.User, Epoch: who.Epoch, Scope: out.scope, Audience: r.Audience,
		Account: who.ID, SID: a.Sessions.SID(who.Account.Account, r.Client.ID),
		Offline:  hasWord(out.scope, wire.ScopeOfflineAccess),
		AuthTime: who.AuthTime, AMR: who.AMR, ACR: request.ACR,
		Claims: r.Claims.String(), JKT: r.JKT,
	}
}

// code ends the stored request, if it is one, and stores the code, if one was
// asked for. It returns data.ErrNone where somebody was first.
func (a *API) code(ctx context.Context, r request.Request, v visit, given data.Authorization) (string, error) {
	var stored *data.Code
	text := ""
	if r.Response.Code {
		var err error
		stored = &data.Code{RedirectURI: r.Reply.RedirectURI, SentURI: r.Reply.Sent, Challenge: r.Challenge, Nonce: r.Nonce,
			Authorization: given, ExpiresAt: a.Now().Add(a.CodeTTL)}
		if text, stored.Hash, err = a.Store.NewSecret(prefixCode); err != nil {
			return "", err
		}
	}
	switch {
	case v.handle != "":
		return text, a.Store.AnswerRequest(ctx, v.stored, stored)
	case stored != nil:
		return text, a.Store.Codes.Create(ctx, *stored)
	}
	return "", nil
}

// front adds the tokens that go through the browser (OpenID Connect Core,
// sections 3.2.2.5 and 3.3.2.5).
func (a *API) front(ctx context.Context, r request.Request, who candidate, given data.Authorization, profile mint.Profile, values url.Values) error {
	if r.Response.Token {
		access, err := a.access(ctx, r, who, given, profile)
		if err != nil {
			return err
		}
		values.Set("access_token", access.Value)
		values.Set("token_type", "Bearer")
		values.Set("expires_in", strconv.FormatInt(int64(access.ExpiresIn/time.Second), 10))
		values.Set("scope", without(given.Scope, wire.ScopeOfflineAccess)) // RFC 6749, section 4.2.2: it may be less than was asked
	}
	if !r.Response.IDToken {
		return nil
	}
	checked, err := a.Mint.ID(mint.ID{
		Subject: who.subject, ClientID: r.Client.ID, Alg: token.Alg(r.Client.IDTokenAlg), TTL: a.IDTTL,
		Nonce: r.Nonce, SID: given.SID, ACR: given.ACR, AMR: given.AMR, AuthTime: given.AuthTime,
		AccessToken: values.Get("access_token"), Code: values.Get("code"), State: r.Reply.State,
		Claims: claims.IDToken(who.Person, given.Scope, r.Claims, r.Response.Token || r.Response.Code),
	})
	if err != nil {
		return err
	}
	id, err := a.Mint.Sign(checked)
	if err != nil {
		return err
	}
	values.Set("id_token", id.Value)
	return nil
}

// access makes an access token, with a grant of its own that ends with it.
func (a *API) access(ctx context.Context, r request.Request, who candidate, given data.Authorization, profile mint.Profile) (mint.Token, error) {
	given.Offline = false // there is no refresh token
	given.Scope = without(given.Scope, wire.ScopeOfflineAccess)
	issued, err := a.Grants.Start(ctx, grant.StartRequest{
		User: who.Person, Client: r.Client.ID, Scope: given.Scope, Audience: given.Audience,
		AuthTime: given.AuthTime, AMR: given.AMR, Authorization: given, Access: profile.TTL,
	})
	if err != nil {
		return mint.Token{}, err
	}
	checked, err := a.Mint.Access(profile, mint.Access{
		Subject: who.subject, ClientID: r.Client.ID, Scope: given.Scope, Roles: r.Client.Roles(issued.User.Roles, given.Scope),
		SID: issued.Grant.ID.String(), AuthTime: given.AuthTime, AMR: given.AMR, ACR: given.ACR, Status: a.Mint.Status(issued.Slot()),
	})
	if err != nil {
		return mint.Token{}, err
	}
	return a.Mint.Sign(checked)
}

// refuse ends the request with an error for the client.
func (a *API) refuse(c echo.Context, r request.Request, v visit, e *wire.Error) error {
	if v.handle != "" {
		err := a.Store.AnswerRequest(c.Request().Context(), v.stored, nil)
		if errors.Is(err, data.ErrNone) {
			return errOver
		}
		if err != nil {
			return err
		}
	}
	return a.tell(c, r, e)
}

// fail tells the client what is wrong with its request, where it is proven who
// that is, and else the person (RFC 6749, section 4.1.2.1). Failures of ours
// stay here.
func (a *API) fail(c echo.Context, r request.Request, err error) error {
	var e *wire.Error
	if errors.Is(err, mint.ErrAudience) {
		err = wire.Refuse(wire.CodeInvalidTarget, "No one token can be for all of these audiences.").Because(err)
	}
	if !errors.As(err, &e) || !r.Reply.Proven() || suspicious(r) {
		return err
	}
	return a.tell(c, r, e)
}

// suspicious tells whether an error is better shown here. A document that
// nobody has looked at may name any redirect URI, and a request that is wrong
// on purpose would make the issuer lead people there before anybody has signed
// in (RFC 9700, section 4.11.2).
func suspicious(r request.Request) bool { return r.Client.Source == client.Document }

func (a *API) tell(c echo.Context, r request.Request, e *wire.Error) error {
	return a.reply(c, r.Reply, url.Values{"error": {e.Code}, "error_description": {printable(e.Description)}})
}

// reply answers the client through the browser, with what every answer has:
// the state, and who answers (RFC 9207, section 2).
func (a *API) reply(c echo.Context, to request.Reply, values url.Values) error {
	values = maps.Clone(values)
	values.Set("iss", a.Issuer)
	if to.State != "" {
		values.Set("state", to.State)
	}
	if to.Mode == request.FormPost {
		return a.Pages.FormPost(c, to.RedirectURI, values)
	}
	return c.Redirect(http.StatusSeeOther, to.Location(values))
}

// printable leaves of a description what may be in one (RFC 6749, section
// 4.1.2.1).
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, text)
}

func hasWord(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

func without(list, word string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(list), func(w string) bool { return w == word }), " ")
}
