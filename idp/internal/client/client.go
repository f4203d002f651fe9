package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"signet/data"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/config"
	"signet/idp/internal/fetch"
	"signet/idp/internal/jose"
	"signet/idp/internal/wire"
	"signet/keys"
)

var (
	// ErrUnknown says that there is no such client.
	ErrUnknown = errors.New("client: no such client")
	// ErrClash says that two clients have one id.
	ErrClash = errors.New("client: this client is in the configuration and in the store")
)

// Source tells where a client is known from.
type Source int

// The sources.
const (
	_          Source = iota
	Configured        // config.yaml
	Stored            // by command
	Registered        // it registered itself (RFC 7591)
	Document          // a metadata document at its client_id
)

// Client is a checked client with every default filled in. It is shared, and
// never changed.
type Client struct {
	data.Client
	Source Source

	keys   jose.KeySet // of its jwks
	secret []byte      // in the clear, of a configured one that authenticates with it as a key
	sector string      // of a pairwise one
}

// Public tells whether the client has no way to authenticate.
func (c *Client) Public() bool { return c.AuthMethod == wire.AuthNone }

// HasGrant tells whether the client may use the grant type.
func (c *Client) HasGrant(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// HasRedirect tells whether people may be sent back to uri: one that the
// client has registered, or, of a native client on the person's own machine,
// one with another port.
func (c *Client) HasRedirect(uri string) bool {
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		return metadata.SameRedirect(registered, uri, c.ApplicationType == metadata.Native)
	})
}

// Fetcher gets what a client names. It is what *fetch.Fetcher does.
type Fetcher interface {
	Get(ctx context.Context, url, accept string, fresh bool) (fetch.Document, error)
	Check(url string) error
}

// Options are what a Registry is made of.
type Options struct {
	Config config.Config
	Store  *data.Store
	Secret *keys.Secret // for secrets that are needed in the clear, and pairwise subjects
	Fetch  Fetcher      // nil: nothing is fetched, so clients that need it fail
	// Documents fetches client metadata documents, whose addresses anybody may
	// choose; Fetch where it is nil.
	Documents Fetcher
	Now       func() time.Time
	Logger    *slog.Logger
}

// Registry finds and authenticates clients. It is safe for concurrent use.
type Registry struct {
	o          Options
	rules      metadata.Rules
	configured map[string]*Client
	stored     *cache
	keySets    decoded[jose.KeySet] // of jwks_uris
	documents  decoded[*Client]
	endpoints  []string            // at which an older client may aim an assertion
	known      map[string]struct{} // the audiences that tokens may be for
	proofs     [32]byte            // the key of proofOf
}

// New makes the configured clients, whose secrets it may read from files.
func New(ctx context.Context, o Options) (*Registry, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Documents == nil {
		o.Documents = o.Fetch
	}
	r := &Registry{o: o, rules: o.Config.ClientRules(), configured: map[string]*Client{}}
	for _, endpoint := range []string{"/oauth2/token", "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/device_authorization"} {
		r.endpoints = append(r.endpoints, o.Config.Issuer+endpoint)
	}
	r.known = make(map[string]struct{}, len(o.Config.Audiences))
	for _, a := range o.Config.Audiences {
		r.known[a.Name] = struct{}{}
	}
	list, err := FromConfig(o.Config)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		r.configured[c.ID] = c
	}
	r.proofs = o.Secret.Derive("client-proof")
	r.stored = newCache(o.Store.ClientsChanged())
	return r, nil
}

// Clash tells of a configured client whose id is in the store, too. An issuer
// does not start with one: nobody could tell which of the two is meant.
func (r *Registry) Clash(ctx context.Context) error {
	var all error
	for _, c := range r.o.Config.Clients {
		switch _, err := r.o.Store.Client(ctx, c.ID); {
		case err == nil:
			all = errors.Join(all, fmt.Errorf("%w: %s: %s: take it out there, or of the store (idp clients remove %s)", ErrClash, c.Where, c.ID, c.ID))
		case !errors.Is(err, data.ErrNoClient):
			return err
		}
	}
	return all
}

// Configured lists the ids of the clients that the configuration has.
func (r *Registry) Configured() (ids []string) {
	for _, c := range r.o.Config.Clients {
		ids = append(ids, c.ID)
	}
	return ids
}

// Close ends the watch for changes of clients.
func (r *Registry) Close() { r.stored.stop() }

// Rules is what the issuer can do for a client.
func (r *Registry) Rules() metadata.Rules { return r.rules }

// Find returns a client, or ErrUnknown. An https client_id may be fetched.
func (r *Registry) Find(ctx context.Context, id string) (*Client, error) {
	if c := r.configured[id]; c != nil {
		return c, nil
	}
	if isDocument(id) {
		return r.document(ctx, id)
	}
	if c, found := r.stored.get(id); found && !c.over(r.o.Now()) {
		return c, nil
	}
	generation := r.stored.current()
	c, size, err := r.read(ctx, id)
	if err == nil {
		r.stored.put(c, size, generation)
	}
	return c, err
}

// Stored reads a client of the store, past what is in memory: for who changes it
// and may have done so at another node a moment ago. It fails with ErrUnknown.
func (r *Registry) Stored(ctx context.Context, id string) (*Client, error) {
	c, _, err := r.read(ctx, id)
	return c, err
}

// read says how many bytes the record has, too.
func (r *Registry) read(ctx context.Context, id string) (c *Client, size int, err error) {
	record, size, err := r.o.Store.SizedClient(ctx, id)
	switch {
	case errors.Is(err, data.ErrNoClient):
		return nil, 0, ErrUnknown
	case err != nil:
		return nil, 0, err
	}
	return r.fromRecord(record), size, nil
}

// Where is the place in the configuration that declares the client, or "".
func (r *Registry) Where(id string) string {
	for _, c := range r.o.Config.Clients {
		if c.ID == id {
			return c.Where
		}
	}
	return ""
}

func (c *Client) over(now time.Time) bool { return !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt) }

// fromRecord makes a Client of what the store holds, which was checked before
// it came there.
func (r *Registry) fromRecord(record data.Client) *Client {
	c := &Client{Client: record, Source: Stored}
	if record.Registered {
		c.Source = Registered
	}
	r.rules.Fill(&c.Metadata)
	c.ready()
	return c
}

// ready computes what is asked for often.
func (c *Client) ready() {
	if c.JWKS != nil {
		c.keys, _ = jose.ParseKeySet(c.JWKS) // checked with the rest
	}
	c.sector = metadata.Sector(c.Metadata)
}

// MarkUsed notes, once, that a client that registered itself was used, so that
// it stays.
func (r *Registry) MarkUsed(ctx context.Context, self Self) error {
	if !self.Unused {
		return nil
	}
	_, err := r.o.Store.ChangeClient(ctx, self.ID, func(c *data.Client) error {
		c.Used, c.ExpiresAt = true, time.Time{}
		return nil
	})
	if errors.Is(err, data.ErrNoClient) {
		return ErrUnknown
	}
	return err
}
