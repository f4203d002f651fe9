package request

import (
	"net/url"
	"strings"

	"signet/idp/internal/client"
	"signet/idp/internal/wire"
)

// Mode is how an answer gets to the client (OAuth 2.0 Multiple Response Type
// Encoding Practices, section 2.1; Form Post Response Mode, section 2).
type Mode string

// The modes.
const (
	Query    Mode = "query"
	Fragment Mode = "fragment"
	FormPost Mode = "form_post"
)

// Reply is where the answer goes. It is made only for a client that is there
// and a redirect URI that is the client's.
type Reply struct {
	RedirectURI string
	Sent        bool // the request named the redirect URI (RFC 6749, section 4.1.3)
	Mode        Mode
	State       string
}

// Proven tells whether anything may be sent there.
func (r Reply) Proven() bool { return r.RedirectURI != "" }

// Location is the redirect URI with the parameters added in the mode, which is
// not FormPost.
func (r Reply) Location(values url.Values) string {
	if r.Mode == Fragment {
		return r.RedirectURI + "#" + values.Encode()
	}
	// A query that the URI has already stays (RFC 6749, section 3.1.2).
	separator := "?"
	if _, query, has := strings.Cut(r.RedirectURI, "?"); has {
		separator = "&"
		if query == "" || strings.HasSuffix(query, "&") {
			separator = ""
		}
	}
	return r.RedirectURI + separator + values.Encode()
}

// replyTo finds out where the answer goes. The error is for the person alone:
// nobody has shown that they may be sent anywhere.
func replyTo(c *client.Client, form wire.Form) (Reply, error) {
	uri := form.Get("redirect_uri")
	reply := Reply{RedirectURI: uri, Sent: uri != "", State: form.Get("state")}
	switch {
	case uri == "" && len(c.RedirectURIs) == 1 && !hasWord(form.Get("scope"), wire.ScopeOpenID) && !form.Has("request") && !form.Has("request_uri"):
		// RFC 6749, section 3.1.2.3. OpenID Connect wants it named, and a
		// request object may do so.
		reply.RedirectURI = c.RedirectURIs[0]
	case uri == "":
		return Reply{}, wire.Field("redirect_uri", "it is missing")
	case !c.HasRedirect(uri):
		return Reply{}, wire.Field("redirect_uri", "it is not one that the client registered")
	}
	reply.Mode = modeOf(form)
	return reply, nil
}

// modeOf is the mode that was asked for, if there is such and nothing in the
// answer forbids it, else the default of the response type. It also says how
// to tell what is wrong with either.
func modeOf(form wire.Form) Mode {
	front := false
	for _, word := range words(form.Get("response_type")) {
		front = front || word == "token" || word == "id_token"
	}
	switch asked := Mode(form.Get("response_mode")); {
	case asked == Fragment || asked == FormPost:
		return asked
	case front:
		// A query ends up in logs and histories (Multiple Response Types,
		// section 3.0).
		return Fragment
	}
	return Query
}
