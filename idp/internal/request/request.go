package request

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"signet/data"
	"signet/idp/internal/claims"
	"signet/idp/internal/client"
	"signet/idp/internal/fetch"
	"signet/idp/internal/jose"
	"signet/idp/internal/wire"
	"signet/keys"
)

// ACR is the authentication context that a password gives: the only one there
// is. It is the level 1 of ISO/IEC 29115 (OpenID Connect Core, section 2).
const ACR = "1"

// Request is a checked authorization request.
type Request struct {
	Client *client.Client
	Reply  Reply // where the answer goes
	Params url.Values
	Signed bool // Params come from a request object (RFC 9101)

	Response  Response
	Scope     string // of what was asked, that which exists and the client may have
	Audience  []string
	Nonce     string
	Challenge string // PKCE, S256
	JKT       string // the key that the code is to be bound to (RFC 9449, section 10)
	Claims    claims.Request

	Prompt    Prompt
	MaxAge    time.Duration // since the person proved who they are; AnyAge where it does not matter
	Hint      string        // the sub of a verified id_token_hint
	LoginHint string
	Display   string
	UILocales []string // language tags, as they came, the one that is liked best first
}

// Has tells whether the scope is among those that are asked for.
func (r Request) Has(scope string) bool { return hasWord(r.Scope, scope) }

// Size is how much there is to keep of the request, in bytes.
func (r Request) Size() (n int) {
	for name, list := range r.Params {
		for _, v := range list {
			n += len(name) + len(v)
		}
	}
	return n
}

// Clients is what is asked of the clients; *client.Registry has it.
type Clients interface {
	Find(ctx context.Context, id string) (*client.Client, error)
	VerifySigned(ctx context.Context, c *client.Client, u *jose.Unverified, algs ...string) (*jose.Verified, error)
	Scope(t client.Terms, asked string) string
	Audiences(t client.Terms, resource, audience []string) ([]string, error)
}

// Fetcher fetches request objects; *fetch.Fetcher is one.
type Fetcher interface {
	Get(ctx context.Context, url, accept string, fresh bool) (fetch.Document, error)
}

// Ring is where our own public keys are; *keys.Ring is one.
type Ring interface {
	Snapshot() *keys.Snapshot
}

// Options are what a Parser is made of; all are needed.
type Options struct {
	Issuer        string
	Clients       Clients
	Fetch         Fetcher
	Ring          Ring
	RequirePKCE   bool // of clients with a secret too
	RequirePushed bool // RFC 9126, section 5
	Now           func() time.Time
}

// Parser reads authorization requests. It is safe for concurrent use.
type Parser struct {
	o Options
}

// New makes a Parser.
func New(o Options) *Parser { return &Parser{o} }

// Read reads what came to the authorization endpoint, other than a reference
// to a pushed request. The error is an *wire.Error, or a failure of ours.
// Where Request.Reply is proven, the client may be told of it.
func (p *Parser) Read(ctx context.Context, values url.Values) (Request, error) {
	values = present(values)
	if len(values["client_id"]) != 1 {
		return Request{}, wire.Field("client_id", "it must be there once")
	}
	c, err := p.find(ctx, values.Get("client_id"))
	if err != nil {
		return Request{}, err
	}
	params, signed, err := p.params(ctx, c, values)
	if err == nil && (p.o.RequirePushed || c.RequirePAR) {
		err = wire.Invalid("The request must be pushed (RFC 9126), and its request_uri sent here.")
	}
	if err != nil {
		return refused(c, values), err
	}
	return p.parse(c, params, signed)
}

// Push reads what a client, which was authenticated, pushed (RFC 9126, section
// 2.1).
func (p *Parser) Push(ctx context.Context, c *client.Client, values url.Values) (Request, error) {
	values = present(values)
	if values.Has("request_uri") {
		return Request{}, wire.Field("request_uri", "it must not be pushed (RFC 9126, section 2.1)")
	}
	params, signed, err := p.params(ctx, c, values)
	if err != nil {
		return Request{}, err
	}
	if id := params["client_id"]; len(id) > 1 || len(id) == 1 && id[0] != c.ID {
		return Request{}, wire.Field("client_id", "it is not the client that was authenticated")
	}
	return p.parse(c, params, signed)
}

// Stored reads a request that was put aside, by the same rules: its client may
// have changed since.
func (p *Parser) Stored(ctx context.Context, r data.Request) (Request, error) {
	c, err := p.find(ctx, r.Client)
	if err != nil {
		return Request{}, err
	}
	read, err := p.parse(c, r.Params, r.Signed)
	if r.JKT != "" {
		read.JKT = r.JKT
	}
	return read, err
}

func (p *Parser) find(ctx context.Context, id string) (*client.Client, error) {
	c, err := p.o.Clients.Find(ctx, id)
	switch {
	case errors.Is(err, client.ErrDocument):
		return nil, wire.Refuse(wire.CodeInvalidClient, "The client's metadata document is not allowed here, could not be fetched, or is not good.").Because(err)
	case errors.Is(err, client.ErrUnknown):
		return nil, wire.Refuse(wire.CodeInvalidClient, "There is no such client.").Because(err)
	}
	return c, err
}

// refused is what can be said of a request that cannot be read: at best, where
// its error goes. A redirect URI that is there twice, or is no text, is not
// one that was left out.
func refused(c *client.Client, values url.Values) Request {
	form := once(values)
	reply, err := replyTo(c, form)
	if err != nil || values.Get("redirect_uri") != form.Get("redirect_uri") {
		return Request{Client: c}
	}
	return Request{Client: c, Reply: reply}
}

// known are the parameters of an authorization request. Others are ignored
// (RFC 6749, section 3.1), and nothing else is kept of a request: least of all
// how its client authenticated.
var known = []string{
	"client_id", "redirect_uri", "response_type", "scope", "state", // RFC 6749, section 4.1.1
	"response_mode", "nonce", "display", "prompt", "max_age", "ui_locales", "id_token_hint", "login_hint", "acr_values", // Core, section 3.1.2.1
	"claims", "claims_locales", "registration", // Core, sections 5.2, 5.5 and 7.2.1
	"code_challenge", "code_challenge_method", // RFC 7636, section 4.3
	"resource", "audience", // RFC 8707, section 2
	"dpop_jkt", // RFC 9449, section 10
}

// maxParams is how many bytes of parameters are kept.
const maxParams = 16 << 10

// parse checks the parameters. Whatever it returns beside an error has a
// proven Reply, or none.
func (p *Parser) parse(c *client.Client, values url.Values, signed bool) (r Request, err error) {
	r = refused(c, values)
	r.Signed, r.Params = signed, url.Values{}
	for _, name := range known {
		for _, v := range values[name] {
			r.Params.Add(name, v)
		}
	}
	if r.Size() > maxParams {
		return r, wire.Invalid("The request is too long.")
	}
	form, err := wire.NewForm(r.Params)
	if err != nil {
		return r, err
	}
	if _, err := replyTo(c, form); err != nil {
		return r, err
	}
	if c.RequireSigned && !signed {
		return r, wire.Invalid("The client must send signed request objects (RFC 9101, section 10.5).")
	}
	for _, check := range []func(*Request, wire.Form) error{
		p.response, p.rights, p.challenge, p.person, p.hints,
	} {
		if err := check(&r, form); err != nil {
			return r, err
		}
	}
	return r, nil
}

// once is the parameters that are there once and can be read: enough to find
// out who is told what is wrong with the others.
func once(values url.Values) wire.Form {
	clean := url.Values{}
	for name, list := range values {
		if _, err := wire.NewForm(url.Values{name: list}); err == nil {
			clean[name] = list
		}
	}
	form, _ := wire.NewForm(clean)
	return form
}

// present leaves out what was sent without a value: it counts as not sent (RFC
// 6749, section 3.1).
func present(values url.Values) url.Values {
	clean := make(url.Values, len(values))
	for name, list := range values {
		for _, v := range list {
			if v != "" {
				clean.Add(name, v)
			}
		}
	}
	return clean
}

func hasWord(list, word string) bool { return slices.Contains(words(list), word) }
