package control

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/client/metadata"
)

// OAuthClient is a client as the owner of the issuer may see it: without a
// secret.
type OAuthClient struct {
	ID       string                    `json:"client_id"`
	Source   string                    `json:"source"` // configured, stored or registered
	Where    string                    `json:"where,omitzero"`
	Metadata map[string]jsontext.Value `json:"metadata"` // with every default filled in

	FirstParty        bool     `json:"first_party"`
	RequirePKCE       bool     `json:"require_pkce"`
	Audiences         []string `json:"audiences,omitzero"`
	ExchangeAudiences []string `json:"exchange_audiences,omitzero"`
	Introspect        bool     `json:"introspect"`

	OldSecretUntil time.Time `json:"old_secret_until,omitzero"`
	Used           bool      `json:"used,omitzero"` // of one that registered itself
	CreatedAt      time.Time `json:"created_at,omitzero"`
	UpdatedAt      time.Time `json:"updated_at,omitzero"`
	ExpiresAt      time.Time `json:"expires_at,omitzero"`
}

// Name is how people know the client.
func (c OAuthClient) Name() string { return c.text("client_name") }

// AuthMethod is how it authenticates.
func (c OAuthClient) AuthMethod() string { return c.text("token_endpoint_auth_method") }

func (c OAuthClient) text(member string) string {
	text, err := jsontext.AppendUnquote(nil, c.Metadata[member])
	if err != nil {
		return ""
	}
	return string(text)
}

// ClientChange is what is said of a client that is made or changed. What is
// not there stays as it is.
type ClientChange struct {
	ID string `json:"client_id,omitzero"` // "": one is made
	// Metadata are members of RFC 7591, section 2; null takes one away.
	Metadata          map[string]jsontext.Value `json:"metadata,omitzero"`
	FirstParty        *bool                     `json:"first_party,omitzero"`
	RequirePKCE       *bool                     `json:"require_pkce,omitzero"`
	Audiences         *[]string                 `json:"audiences,omitzero"`
	ExchangeAudiences *[]string                 `json:"exchange_audiences,omitzero"`
	Introspect        *bool                     `json:"introspect,omitzero"`
	// Secret is one that the client has already; else one is made for it.
	Secret string `json:"secret,omitzero"`
}

// ClientWithSecret is a client and its new secret, if it got one, which nobody
// can ask for again.
type ClientWithSecret struct {
	OAuthClient
	Secret string `json:"client_secret,omitzero"`
}

type clientsInput struct {
	After string `json:"after,omitzero"`
	Limit int    `json:"limit,omitzero"`
}

type clientInput struct {
	ID   string `json:"client_id"`
	Keep int64  `json:"keep,omitzero"` // seconds
}

// Clients is a page of clients. Those of the configuration are in the first.
type Clients struct {
	Configured []OAuthClient `json:"configured"`
	Stored     []OAuthClient `json:"stored"` // a page of fewer than were asked for is the last
}

// AddClient makes a client. It fails with Usage and Refused.
func (c *Client) AddClient(ctx context.Context, change ClientChange) (ClientWithSecret, error) {
	return call[ClientChange, ClientWithSecret](ctx, c, opAddClient, change)
}

// Clients lists clients: a page of those in the store, after the given one.
func (c *Client) Clients(ctx context.Context, after string, limit int) (Clients, error) {
	return call[clientsInput, Clients](ctx, c, opClients, clientsInput{after, limit})
}

// OAuthClient returns a client. It fails with NoSuch.
func (c *Client) OAuthClient(ctx context.Context, id string) (OAuthClient, error) {
	return call[clientInput, OAuthClient](ctx, c, opClient, clientInput{ID: id})
}

// EditClient changes a client of the store.
func (c *Client) EditClient(ctx context.Context, change ClientChange) (ClientWithSecret, error) {
	return call[ClientChange, ClientWithSecret](ctx, c, opEditClient, change)
}

// RotateSecret gives a client a new secret; the old one is good for keep.
func (c *Client) RotateSecret(ctx context.Context, id string, keep time.Duration) (ClientWithSecret, error) {
	return call[clientInput, ClientWithSecret](ctx, c, opRotateSecret, clientInput{id, int64(keep / time.Second)})
}

// RemoveClient takes a client out of the store. Its grants end, and its access
// tokens are revoked.
func (c *Client) RemoveClient(ctx context.Context, id string) error {
	_, err := call[clientInput, none](ctx, c, opRemoveClient, clientInput{ID: id})
	return err
}

func (s *Services) shownClient(c *client.Client) (OAuthClient, error) {
	members, err := metadata.Members(c.Metadata)
	out := OAuthClient{
		ID: c.ID, Source: sourceNames[c.Source], Where: s.Clients.Where(c.ID), Metadata: members,
		FirstParty: c.FirstParty, RequirePKCE: c.RequirePKCE, Audiences: c.Audiences, ExchangeAudiences: c.ExchangeAudiences, Introspect: c.Introspect,
		Used: c.Used, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, ExpiresAt: c.ExpiresAt,
	}
	if c.Source != client.Configured {
		out.Where = ""
	}
	if s.Now().Before(c.OldUntil) {
		out.OldSecretUntil = c.OldUntil
	}
	return out, err
}

var sourceNames = map[client.Source]string{client.Configured: "configured", client.Stored: "stored", client.Registered: "registered"}

// apply puts a change into a client. The members that are named replace those
// that are there.
func (in ClientChange) apply(c *data.Client) error {
	members, err := metadata.Members(c.Metadata)
	if err != nil {
		return err
	}
	maps.Copy(members, in.Metadata)
	raw, err := json.Marshal(members)
	if err != nil {
		return err
	}
	m, others, err := metadata.Parse(raw)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		return errorf(Usage, "%s: there is no such metadata (RFC 7591, section 2)", name)
	}
	c.Metadata = m
	set(&c.FirstParty, in.FirstParty)
	set(&c.RequirePKCE, in.RequirePKCE)
	set(&c.Audiences, in.Audiences)
	set(&c.ExchangeAudiences, in.ExchangeAudiences)
	set(&c.Introspect, in.Introspect)
	return nil
}

func set[T any](dst *T, to *T) {
	if to != nil {
		*dst = *to
	}
}

func (s *Services) addClient(ctx context.Context, in ClientChange) (ClientWithSecret, error) {
	c := data.Client{ID: in.ID}
	if in.ID != "" {
		if err := metadata.CheckID(in.ID); err != nil {
			return ClientWithSecret{}, errorf(Usage, "%q %s", in.ID, err)
		}
	}
	if err := in.apply(&c); err != nil {
		return ClientWithSecret{}, err
	}
	if err := s.knownAudiences(c); err != nil {
		return ClientWithSecret{}, err
	}
	if err := importSecret(&c, in.Secret); err != nil {
		return ClientWithSecret{}, err
	}
	made, secret, err := s.Clients.Create(ctx, c)
	if err != nil {
		return ClientWithSecret{}, s.clientError(in.ID, err)
	}
	s.did(ctx, opAddClient, "client", made.ID)
	shown, err := s.shownClient(made)
	return ClientWithSecret{shown, secret}, err
}

// knownAudiences refuses names that no audience has.
func (s *Services) knownAudiences(c data.Client) error {
	for _, name := range slices.Concat(c.Audiences, c.ExchangeAudiences) {
		if !s.Clients.HasAudience(name) {
			return errorf(Usage, "there is no audience %q", name)
		}
	}
	return nil
}

// importSecret gives the client a secret that it has already.
func importSecret(c *data.Client, secret string) error {
	switch {
	case secret == "":
		return nil
	case len(secret) < client.MinSecret:
		return errorf(Usage, "a secret must have at least %d bytes", client.MinSecret)
	case !client.KeepsHash(c.AuthMethod):
		return errorf(Usage, "a client whose token_endpoint_auth_method is %s gets no secret from elsewhere", c.AuthMethod)
	}
	c.SecretHash = data.HashOf(secret)
	return nil
}

func (s *Services) clients(ctx context.Context, in clientsInput) (Clients, error) {
	out := Clients{Configured: []OAuthClient{}, Stored: []OAuthClient{}}
	configured, stored, err := s.Clients.List(ctx, in.After, in.Limit)
	if err != nil {
		return out, err
	}
	for _, list := range []struct {
		from []*client.Client
		to   *[]OAuthClient
	}{{configured, &out.Configured}, {stored, &out.Stored}} {
		for _, c := range list.from {
			shown, err := s.shownClient(c)
			if err != nil {
				return out, err
			}
			*list.to = append(*list.to, shown)
		}
	}
	return out, nil
}

func (s *Services) client(ctx context.Context, in clientInput) (OAuthClient, error) {
	c, err := s.Clients.Find(ctx, in.ID)
	if err != nil {
		return OAuthClient{}, s.clientError(in.ID, err)
	}
	return s.shownClient(c)
}

func (s *Services) editClient(ctx context.Context, in ClientChange) (ClientWithSecret, error) {
	changed, secret, err := s.Clients.Change(ctx, in.ID, func(c *data.Client) error {
		if err := in.apply(c); err != nil {
			return err
		}
		if err := s.knownAudiences(*c); err != nil {
			return err
		}
		return importSecret(c, in.Secret)
	})
	if err != nil {
		return ClientWithSecret{}, s.clientError(in.ID, err)
	}
	s.did(ctx, opEditClient, "client", in.ID)
	shown, err := s.shownClient(changed)
	return ClientWithSecret{shown, secret}, err
}

func (s *Services) rotateSecret(ctx context.Context, in clientInput) (ClientWithSecret, error) {
	if in.Keep < 0 || in.Keep > int64(365*24*time.Hour/time.Second) {
		return ClientWithSecret{}, errorf(Usage, "an old secret may be kept for at most 365d")
	}
	secret, err := s.Clients.RotateSecret(ctx, in.ID, time.Duration(in.Keep)*time.Second)
	if err != nil {
		return ClientWithSecret{}, s.clientError(in.ID, err)
	}
	if secret == "" {
		return ClientWithSecret{}, errorf(Refused, "client %s has no secret", in.ID)
	}
	s.did(ctx, opRotateSecret, "client", in.ID)
	shown, err := s.client(ctx, clientInput{ID: in.ID})
	return ClientWithSecret{shown, secret}, err
}

func (s *Services) removeClient(ctx context.Context, in clientInput) (none, error) {
	if err := s.Clients.Remove(ctx, in.ID); err != nil {
		return none{}, s.clientError(in.ID, err)
	}
	s.did(ctx, opRemoveClient, "client", in.ID)
	if err := s.Store.FinishRevocations(ctx); err != nil {
		s.Logger.WarnContext(ctx, "some of what a removed client holds is left to the issuer's sweep", "client", in.ID, "error", err)
	}
	return none{}, nil
}

// clientError names the client.
func (s *Services) clientError(id string, err error) error {
	switch {
	case errors.Is(err, client.ErrDocument):
		return errorf(Refused, "%v", err)
	case errors.Is(err, client.ErrUnknown):
		return errorf(NoSuch, "there is no client %s", id)
	case errors.Is(err, client.ErrConfigured):
		return errorf(Refused, "client %s is declared in %s: change it there", id, s.Clients.Where(id))
	case errors.Is(err, data.ErrClientTaken):
		return errorf(Refused, "there is a client %s already; nothing was changed", id)
	}
	return err
}
