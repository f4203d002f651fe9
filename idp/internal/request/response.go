package request

import (
	"slices"
	"strings"

	"signet/idp/internal/client"
	"signet/idp/internal/wire"
)

// Response says what the answer holds.
type Response struct {
	Code, IDToken, Token bool
}

// Front tells whether tokens go through the browser.
func (r Response) Front() bool { return r.IDToken || r.Token }

// parseResponse reads a response_type, whose words have no order (RFC 6749,
// section 3.1.1). token alone is not there: nothing would say whom it is for
// (RFC 9700, section 2.1.2).
func parseResponse(text string) (r Response, ok bool) {
	for _, word := range strings.Split(text, " ") {
		var part *bool
		switch word {
		case "code":
			part = &r.Code
		case "id_token":
			part = &r.IDToken
		case "token":
			part = &r.Token
		}
		if part == nil || *part {
			return Response{}, false
		}
		*part = true
	}
	return r, r != Response{Token: true}
}

// response checks what is to be answered, and how.
func (p *Parser) response(r *Request, form wire.Form) error {
	text, err := form.Need("response_type")
	if err != nil {
		return err
	}
	var ok bool
	if r.Response, ok = parseResponse(text); !ok {
		return wire.Refuse(wire.CodeUnsupportedResponseType, "There is no such response_type.")
	}
	if !registered(r.Client, r.Response) {
		return wire.Refuse(wire.CodeUnauthorizedClient, "The client did not register this response_type, or its grant types.")
	}
	if r.Response.Token && r.Client.DPoPBound {
		// Nothing proves a key here (RFC 9449, section 5.2).
		return wire.Refuse(wire.CodeUnauthorizedClient, "The client's access tokens are bound to a key; this response_type cannot do that.")
	}
	switch mode := Mode(form.Get("response_mode")); {
	case mode == Query && r.Response.Front():
		return wire.Field("response_mode", "no token goes into a query")
	case mode != "" && mode != Query && mode != Fragment && mode != FormPost:
		return wire.Field("response_mode", "there is no such mode")
	}
	return nil
}

// registered tells whether the client may have the answer: it is off unless
// the client asked for it, and said that it uses the grants behind it (OpenID
// Connect Registration, section 2).
func registered(c *client.Client, r Response) bool {
	listed := slices.ContainsFunc(c.ResponseTypes, func(text string) bool {
		one, ok := parseResponse(text)
		return ok && one == r
	})
	return listed && (!r.Code || c.HasGrant(wire.GrantAuthorizationCode)) && (!r.Front() || c.HasGrant(wire.GrantImplicit))
}
