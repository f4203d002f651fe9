package control

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/keys"
)

// TokensSelector says which tokens are to be revoked: exactly one of its
// members is set, beside the reason.
type TokensSelector struct {
	User     string    `json:"user,omitzero"` // an e-mail or an id
	Client   string    `json:"client,omitzero"`
	Audience string    `json:"audience,omitzero"`
	Before   time.Time `json:"before,omitzero"`
	Token    string    `json:"token,omitzero"` // an access token or a refresh token
	Reason   string    `json:"reason"`
}

// TokensRevoked is what came of it.
type TokensRevoked struct {
	User     data.UserID `json:"user,omitzero"`
	Client   string      `json:"client,omitzero"`
	Audience string      `json:"audience,omitzero"`
	Before   time.Time   `json:"before,omitzero"`
	Token    string      `json:"token,omitzero"`   // access_token or refresh_token
	Expired  time.Time   `json:"expired,omitzero"` // when the access token had, if it had

	GrantsEnded   int  `json:"grants_ended"`
	GrantsRevoked int  `json:"grants_revoked"` // that go on, with their access tokens revoked
	OwnTokens     bool `json:"own_tokens"`     // access tokens of clients of their own, too
	// AllAudiences says that access tokens of other audiences had to go too.
	AllAudiences bool `json:"all_audiences,omitzero"`
	Unread       int  `json:"unread,omitzero"` // records that cannot be read, and stay

	// AcceptedUntil is until when a verifier that does not follow status lists
	// may take what was revoked.
	AcceptedUntil time.Time `json:"accepted_until"`
}

// TokensEvent is one line of the answer: how far it is.
type TokensEvent struct {
	Done   float64        `json:"done"` // from 0 to 1
	Result *TokensRevoked `json:"result,omitzero"`
	Error  *Error         `json:"error,omitzero"`
}

// RevokeTokens revokes tokens, and calls progress with how much of it is done,
// from 0 to 1. It fails with Usage and NoSuch. What has begun is finished by the
// issuer, also when whoever asked has gone.
func (c *Client) RevokeTokens(ctx context.Context, which TokensSelector, progress func(done float64)) (TokensRevoked, error) {
	asked, err := json.Marshal(&which)
	if err != nil {
		return TokensRevoked{}, err
	}
	answer, err := c.post(ctx, opRevokeTokens, strings.NewReader(string(asked)))
	if err != nil {
		return TokensRevoked{}, err
	}
	defer answer.Body.Close()
	d := jsontext.NewDecoder(answer.Body)
	for {
		var e TokensEvent
		if err := json.UnmarshalDecode(d, &e); err != nil {
			why := "the connection broke"
			if ctx.Err() != nil {
				why = "interrupted"
			}
			return TokensRevoked{}, errorf(Failed, "%s; what had begun is finished by the issuer while it runs, so look there, or ask again", why)
		}
		switch {
		case e.Error != nil:
			return TokensRevoked{}, e.Error
		case e.Result != nil:
			return *e.Result, nil
		}
		progress(e.Done)
	}
}

func (s *Services) revokeTokens(w http.ResponseWriter, r *http.Request) {
	var which TokensSelector
	err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxInput), &which, json.RejectUnknownMembers(true))
	if err != nil {
		writeError(w, errorf(Usage, "%s cannot be understood; is the command of another version than the issuer (%s)?", opRevokeTokens, s.Version))
		return
	}
	rc := http.NewResponseController(w)
	send := func(e TokensEvent) {
		_ = json.MarshalWrite(w, &e) // nobody has to listen: what has begun goes on
		_ = rc.Flush()
	}
	done, err := s.revokeWhich(r.Context(), which, func(r data.Revocation) { send(TokensEvent{Done: r.Done()}) })
	if err != nil {
		s.failed(r.Context(), opRevokeTokens, err)
		send(TokensEvent{Error: AsError(err)})
		return
	}
	done.AcceptedUntil = s.Now().Add(s.AccessLifetime).Round(0)
	s.did(r.Context(), opRevokeTokens, "user", done.User, "client", done.Client, "audience", done.Audience, "before", done.Before,
		"token", done.Token, "grants_ended", done.GrantsEnded, "grants_revoked", done.GrantsRevoked, "reason", which.Reason)
	send(TokensEvent{Done: 1, Result: &done})
}

func (s *Services) revokeWhich(ctx context.Context, which TokensSelector, progress func(data.Revocation)) (TokensRevoked, error) {
	set := 0
	for _, is := range []bool{which.User != "", which.Client != "", which.Audience != "", !which.Before.IsZero(), which.Token != ""} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return TokensRevoked{}, errorf(Usage, "name one of a user, a client, an audience, a time and a token")
	case strings.TrimSpace(which.Reason) == "":
		return TokensRevoked{}, keys.ErrReason
	case which.User != "":
		return s.revokeUser(ctx, which.User)
	case which.Token != "":
		return s.revokeToken(ctx, which.Token)
	}
	return s.revokeMany(ctx, which, progress)
}

// revokeUser is what users sign-out does, with the number of grants.
func (s *Services) revokeUser(ctx context.Context, who string) (out TokensRevoked, err error) {
	u, err := s.find(ctx, who)
	if err != nil {
		return out, err
	}
	out.User = u.ID
	var after data.GrantID
	for more := true; more; {
		page, err := s.Store.UserGrants(ctx, u.ID, after, 0)
		if err != nil {
			return out, err
		}
		if out.GrantsEnded += len(page); len(page) > 0 {
			after = page[len(page)-1].ID
		}
		more = len(page) > 0
	}
	return out, s.Store.EndUserGrants(ctx, u.ID, nil)
}

// revokeToken ends the grant of a refresh token, spent or not, or revokes an
// access token, however old it is.
func (s *Services) revokeToken(ctx context.Context, raw string) (out TokensRevoked, err error) {
	if strings.HasPrefix(raw, grant.Prefix) {
		out.Token = "refresh_token"
		ending, err := s.Grants.End(ctx, raw, nil)
		switch {
		case errors.Is(err, grant.ErrInvalid) || err == nil && ending == grant.NothingEnded:
			return out, errorf(NoSuch, "this refresh token is none of this issuer's, or its grant has ended already")
		case err != nil:
			return out, err
		}
		out.GrantsEnded = 1
		return out, nil
	}
	out.Token = "access_token"
	claims, err := s.Live.RevokeSigned(ctx, raw)
	if errors.Is(err, live.ErrDead) {
		return out, errorf(NoSuch, "this is no token of this issuer")
	}
	if err != nil {
		return out, err
	}
	out.Client = claims.ClientID
	if end := claims.Expiry.Time(); !s.Now().Before(end) {
		out.Expired = end
	}
	if claims.SessionID == "" {
		out.OwnTokens = true
	} else {
		out.GrantsRevoked = 1
	}
	return out, nil
}

func (s *Services) revokeMany(ctx context.Context, which TokensSelector, progress func(data.Revocation)) (out TokensRevoked, err error) {
	r := data.Revocation{Client: which.Client, Audience: which.Audience, Before: which.Before.UTC().Round(0), Reason: which.Reason}
	if which.Before.IsZero() {
		r.Before = time.Time{}
	}
	known := true
	switch {
	case r.Client != "":
		known, err = s.knownClient(ctx, r.Client)
	case r.Audience != "":
		known = s.Clients.HasAudience(r.Audience)
		r.AnyAudience = []string{metadata.FirstParty}
		r.Exchanged, err = s.exchangedFor(ctx, r.Audience)
	}
	if err != nil {
		return out, err
	}
	if r, err = s.Store.Revoke(ctx, r, progress); err != nil {
		return out, err
	}
	out = TokensRevoked{Client: r.Client, Audience: r.Audience, Before: r.Before, GrantsEnded: r.GrantsEnded, GrantsRevoked: r.GrantsRevoked,
		OwnTokens: r.BlocksRevoked > 0, AllAudiences: r.Exchanged, Unread: r.Unread}
	if !known && out.GrantsEnded+out.GrantsRevoked == 0 && !out.OwnTokens {
		return out, errorf(NoSuch, "there is no %s %s, and no token of it", kindOf(r), cmp.Or(r.Client, r.Audience))
	}
	return out, nil
}

func kindOf(r data.Revocation) string {
	if r.Client != "" {
		return "client"
	}
	return "audience"
}

// knownClient tells a slip of the hand from a client that holds nothing.
func (s *Services) knownClient(ctx context.Context, id string) (bool, error) {
	_, err := s.Clients.Find(ctx, id)
	if errors.Is(err, client.ErrUnknown) {
		return id == metadata.FirstParty, nil
	}
	return err == nil, err
}

// exchangedFor tells whether some client may exchange tokens for ones of the
// audience.
func (s *Services) exchangedFor(ctx context.Context, audience string) (bool, error) {
	const page = 1000
	for after := ""; ; {
		configured, stored, err := s.Clients.List(ctx, after, page)
		if err != nil {
			return false, err
		}
		for _, c := range slices.Concat(configured, stored) {
			if slices.Contains(c.ExchangeAudiences, audience) {
				return true, nil
			}
		}
		if len(stored) < page {
			return false, nil
		}
		after = stored[len(stored)-1].ID
	}
}
