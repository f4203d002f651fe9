package logout

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"signet/idp/internal/client"
	"signet/idp/internal/hint"
	"signet/idp/internal/wire"
)

// The parameters of RP-Initiated Logout, section 2, and the handle of a request
// that was posted.
const (
	paramHint     = "id_token_hint"
	paramWho      = "logout_hint"
	paramClient   = "client_id"
	paramRedirect = "post_logout_redirect_uri"
	paramState    = "state"
	paramLocales  = "ui_locales"
	paramRequest  = "request"
)

var allParams = []string{paramHint, paramWho, paramClient, paramRedirect, paramState, paramLocales}

// asked is what a client asks for.
type asked struct {
	form   wire.Form
	client *client.Client // nil: nobody says who asks, or it is gone
	named  string         // its id
	hint   *hint.Hint     // nil without one
	target string         // where to go afterwards, with the state; "" is a page of ours
}

// parse checks what can be checked without knowing who is signed in. What
// cannot be right is an error, and shown: nobody is redirected with it.
func (a *API) parse(ctx context.Context, form wire.Form) (q asked, err error) {
	q = asked{form: form, named: form.Get(paramClient)}
	if text := form.Get(paramHint); text != "" {
		h, err := a.Hints.Read(text)
		if err != nil {
			return q, wire.Field(paramHint, "it is no ID token of this issuer").Because(err)
		}
		if q.named != "" && q.named != h.Client {
			return q, wire.Field(paramClient, "the id_token_hint was given to another client")
		}
		q.named, q.hint = h.Client, &h
	}
	if q.named != "" {
		q.client, err = a.Clients.Find(ctx, q.named)
		switch {
		case errors.Is(err, client.ErrUnknown) && q.hint == nil:
			return q, wire.Field(paramClient, "there is no such client").Because(err)
		case errors.Is(err, client.ErrUnknown):
			q.client = nil
		case err != nil:
			return q, err
		}
	}
	return q, q.aim()
}

// aim finds out where to go afterwards. A post_logout_redirect_uri is compared
// byte by byte (section 3); without a client there is nothing to compare it
// with, and it is not used.
func (q *asked) aim() error {
	uri := q.form.Get(paramRedirect)
	if uri == "" || q.client == nil {
		return nil
	}
	if !slices.Contains(q.client.PostLogoutURIs, uri) {
		return wire.Field(paramRedirect, "it is not registered for this client")
	}
	q.target = withState(uri, q.form.Get(paramState))
	return nil
}

// withState adds the state to the query, and leaves the rest of the URI as it
// was registered.
func withState(uri, state string) string {
	if state == "" {
		return uri
	}
	uri, fragment, found := strings.Cut(uri, "#")
	switch {
	case !strings.Contains(uri, "?"):
		uri += "?"
	case !strings.HasSuffix(uri, "?") && !strings.HasSuffix(uri, "&"):
		uri += "&"
	}
	uri += url.Values{paramState: {state}}.Encode()
	if found {
		uri += "#" + fragment
	}
	return uri
}

// vouched tells whether the target may be used although nobody was asked: the
// client showed an ID token, or the operator put it there. Everybody can
// register a client and send people to it by way of us (RFC 9700, section
// 4.11.2).
func (q asked) vouched() bool {
	return q.hint != nil || q.client != nil && (q.client.Source == client.Configured || q.client.Source == client.Stored)
}

// params are those that were sent and mean something here.
func (q asked) params() url.Values {
	values := url.Values{}
	for _, name := range allParams {
		if v := q.form.Get(name); v != "" {
			values.Set(name, v)
		}
	}
	return values
}
