package request

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/idp/internal/client"
	"signet/idp/internal/jose"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// typObject is the type of a request object (RFC 9101, section 10.8).
const typObject = "oauth-authz-req+jwt"

// skew is how far a client's clock may be off.
const skew = 30 * time.Second

// maxURI is how long a request_uri may be (RFC 9101, section 5.2).
const maxURI = 512

// Pushed returns the handle of the pushed request that the parameters refer
// to, if they do (RFC 9126, section 4).
func Pushed(values url.Values) (handle string, ok bool) {
	if list := values["request_uri"]; len(list) == 1 {
		return strings.CutPrefix(list[0], wire.RequestURIPrefix)
	}
	return "", false
}

// params returns the parameters to go by: those that came, or, where there is
// a request object, those in it and no other, whatever came beside it (RFC
// 9101, section 6.3).
func (p *Parser) params(ctx context.Context, c *client.Client, values url.Values) (params url.Values, signed bool, err error) {
	object, uri := values["request"], values["request_uri"]
	switch {
	case len(object)+len(uri) == 0:
		return values, false, nil
	case len(object)+len(uri) > 1:
		return nil, false, wire.Invalid("There is more than one request object (RFC 9101, section 5).")
	case len(uri) == 1:
		params, err = p.referred(ctx, c, uri[0])
	default:
		params, err = p.object(ctx, c, object[0], wire.CodeRequestNotSupported)
	}
	return params, true, err
}

// referred reads a request object where the client said beforehand that it
// would be (RFC 9101, section 5.2; OpenID Connect Core, section 6.2).
func (p *Parser) referred(ctx context.Context, c *client.Client, uri string) (url.Values, error) {
	place, _, _ := strings.Cut(uri, "#") // tells one version from the next
	if len(uri) > maxURI || !slices.ContainsFunc(c.RequestURIs, func(registered string) bool {
		known, _, _ := strings.Cut(registered, "#")
		return known == place
	}) {
		return nil, wire.Refuse(wire.CodeInvalidRequestURI, "The request_uri is not one that the client registered.")
	}
	doc, err := p.o.Fetch.Get(ctx, place, "application/"+typObject+", application/jwt", true)
	if err != nil {
		return nil, wire.Refuse(wire.CodeInvalidRequestURI, "The request_uri could not be read.").Because(err)
	}
	return p.object(ctx, c, strings.TrimSpace(string(doc.Body)), wire.CodeRequestURINotSupported)
}

// object verifies a request object. unsigned is the answer to one whose
// signature would be none, or of a kind that nobody here knows.
func (p *Parser) object(ctx context.Context, c *client.Client, text, unsigned string) (url.Values, error) {
	u, err := jose.Parse(text)
	if errors.Is(err, jose.ErrAlg) {
		return nil, wire.Refuse(unsigned, "Request objects must be signed.").Because(err)
	}
	if err != nil {
		return nil, invalidObject("It is no signed JWT.", err)
	}
	// What was made for another purpose is not read as a request (RFC 8725,
	// section 3.11). OpenID Connect knows no type of its own.
	if typ := u.Header().Typ; typ != "" && !token.IsTyp(typ, typObject) && !token.IsTyp(typ, "JWT") {
		return nil, invalidObject("It has the type of something else.", nil)
	}
	algs := jose.Asymmetric
	if c.RequestObjectAlg != "" {
		algs = []string{c.RequestObjectAlg}
	}
	v, err := p.o.Clients.VerifySigned(ctx, c, u, algs...)
	if err != nil {
		return nil, invalidObject("Its signature is not the client's.", err)
	}
	if err := p.checkObject(c, v); err != nil {
		return nil, err
	}
	return objectParams(c, v)
}

// checkObject checks who made the object, and for whom (RFC 9101, section 4).
// Both are asked for: without them, what a client signed for another server
// would do here.
func (p *Parser) checkObject(c *client.Client, v *jose.Verified) error {
	var said struct {
		Issuer   string           `json:"iss"`
		Subject  string           `json:"sub"`
		ClientID string           `json:"client_id"`
		Audience jose.Audience    `json:"aud"`
		Expiry   jose.NumericDate `json:"exp"`
		From     jose.NumericDate `json:"nbf"`
	}
	if err := v.Claims(&said); err != nil {
		return invalidObject("A claim has another type than it should.", err)
	}
	now := p.o.Now()
	switch {
	case said.Issuer != c.ID, said.ClientID != "" && said.ClientID != c.ID:
		return invalidObject("iss and client_id must be the client's id.", nil)
	case said.Subject == c.ID:
		// It may be a client assertion (RFC 9101, section 10.8).
		return invalidObject("sub must not be the client.", nil)
	case !said.Audience.Has(p.o.Issuer):
		return invalidObject("aud must be the issuer.", nil)
	case said.Expiry != 0 && !now.Before(said.Expiry.Time().Add(skew)):
		return invalidObject("It has expired.", nil)
	case said.From != 0 && now.Add(skew).Before(said.From.Time()):
		return invalidObject("It is not valid yet.", nil)
	}
	return nil
}

// objectParams makes parameters of the claims (RFC 9101, section 4): texts are
// as they are, numbers and objects their JSON.
func objectParams(c *client.Client, v *jose.Verified) (url.Values, error) {
	var members map[string]jsontext.Value
	if err := v.Claims(&members); err != nil {
		return nil, invalidObject("It is no JSON object.", err)
	}
	for _, name := range []string{"request", "request_uri"} {
		if members[name] != nil {
			return nil, invalidObject("No request object is inside another (RFC 9101, section 4).", nil)
		}
	}
	params := url.Values{}
	for _, name := range known {
		list, err := texts(members[name])
		if err != nil {
			return nil, invalidObject("A parameter has another type than it should.", err)
		}
		if len(list) > 0 {
			params[name] = list
		}
	}
	params.Set("client_id", c.ID)
	return params, nil
}

func texts(v jsontext.Value) ([]string, error) {
	switch v.Kind() {
	case '"':
		var text string
		err := json.Unmarshal(v, &text)
		return []string{text}, err
	case '[':
		var list []string
		err := json.Unmarshal(v, &list)
		return list, err
	case '{', '0', 't', 'f':
		return []string{string(v)}, nil
	}
	return nil, nil // not there, or null
}

func invalidObject(description string, cause error) error {
	return wire.Refuse(wire.CodeInvalidRequestObject, "The request object: "+description).Because(cause)
}
