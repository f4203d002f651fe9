package client

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"signet/data"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/config"
	"signet/idp/internal/wire"
)

// What strangers may take of the store.
const (
	maxUnused  = 1000
	unusedLife = 24 * time.Hour
)

// Create checks a new client and stores it. The secret, where it needs one, is
// told here and never again; a hash that c brings along stays. An id is made
// unless c has one. The error may be a metadata.Error, data.ErrClientTaken, or
// data.ErrTooManyClients.
func (r *Registry) Create(ctx context.Context, c data.Client) (created *Client, secret string, err error) {
	if c.Registered {
		c.ExpiresAt = r.o.Now().Add(unusedLife)
	}
	return r.create(ctx, c, func(c data.Client) error { return r.o.Store.CreateClient(ctx, c, maxUnused) })
}

// CreateInvited is Create for a client that was asked in: it has an initial
// access token, of which it takes one use, and stays whether it is used or not.
// The error may be ErrInitialToken.
func (r *Registry) CreateInvited(ctx context.Context, c data.Client, token string) (created *Client, secret string, err error) {
	return r.create(ctx, c, func(c data.Client) error {
		err := r.o.Store.CreateInvitedClient(ctx, c, data.HashOf(token))
		if errors.Is(err, data.ErrNone) {
			return ErrInitialToken
		}
		return err
	})
}

func (r *Registry) create(ctx context.Context, c data.Client, store func(data.Client) error) (created *Client, secret string, err error) {
	if c.ID == "" {
		if c.ID, err = r.newID(); err != nil {
			return nil, "", err
		}
	}
	if r.configured[c.ID] != nil {
		return nil, "", data.ErrClientTaken
	}
	if err := r.check(ctx, &c); err != nil {
		return nil, "", err
	}
	if secret, err = r.giveSecret(&c); err != nil {
		return nil, "", err
	}
	if err := store(c); err != nil {
		return nil, "", err
	}
	created, err = r.Find(ctx, c.ID)
	return created, secret, err
}

// newID makes an id that is none of a user.
func (r *Registry) newID() (string, error) {
	id, err := r.o.Store.NewID()
	return "c-" + id, err
}

// check holds a client against the rules. What was left out stays out, so that
// it follows the defaults; a client that registered itself was told them, and
// keeps them.
func (r *Registry) check(ctx context.Context, c *data.Client) error {
	m := c.Metadata
	m.GrantTypes, m.ResponseTypes = slices.Clone(m.GrantTypes), slices.Clone(m.ResponseTypes)
	if err := r.rules.Complete(&m); err != nil {
		return err
	}
	if err := r.checkFetched(ctx, m); err != nil {
		return err
	}
	if c.Registered {
		c.Metadata = m
	}
	return nil
}

// checkFetched refuses what could never be fetched, and reads the redirect
// URIs of a sector (OpenID Connect Registration, section 5).
func (r *Registry) checkFetched(ctx context.Context, m data.Metadata) error {
	if r.o.Fetch == nil {
		return nil
	}
	var wrong metadata.Error
	named := [][2]string{{"jwks_uri", m.JWKSURI}, {"backchannel_logout_uri", m.BackLogoutURI}, {"sector_identifier_uri", m.SectorURI}}
	for _, uri := range m.RequestURIs {
		uri, _, _ = strings.Cut(uri, "#")
		named = append(named, [2]string{"request_uris", uri})
	}
	for _, n := range named {
		if n[1] != "" && r.o.Fetch.Check(n[1]) != nil {
			wrong = append(wrong, metadata.Problem{Member: n[0], Text: "is no address that this issuer would ask (fetch.allow)"})
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return r.checkSector(ctx, m)
}

func (r *Registry) checkSector(ctx context.Context, m data.Metadata) error {
	if m.SectorURI == "" {
		return nil
	}
	wrong := func(text string) error {
		return metadata.Error{{Member: "sector_identifier_uri", Text: text}}
	}
	doc, err := r.o.Fetch.Get(ctx, m.SectorURI, "application/json", true)
	if err != nil && ctx.Err() != nil {
		return err
	} else if err != nil {
		return wrong("could not be fetched")
	}
	var listed []string
	if json.Unmarshal(doc.Body, &listed) != nil {
		return wrong("must lead to a JSON array of redirect URIs")
	}
	for _, uri := range m.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return wrong("must lead to a list with all redirect URIs of the client")
		}
	}
	return nil
}

// kinds of secrets that a store can hold of a client.
type secretKind int

const (
	noSecret secretKind = iota
	hashed
	salted // derived, since it is needed in the clear
)

func kindOf(method string) secretKind {
	switch method {
	case wire.AuthNone, wire.AuthPrivateKeyJWT:
		return noSecret
	case wire.AuthClientSecretJWT:
		return salted
	}
	return hashed // "" is client_secret_basic
}

// MinSecret is the least length in bytes of a secret from elsewhere.
const MinSecret = config.MinClientSecret

// KeepsHash tells whether a client of that method has a secret whose hash is
// all that is kept, so that it can be one from elsewhere.
func KeepsHash(method string) bool { return kindOf(method) == hashed }

// giveSecret makes the secret of a client that needs one and has none of its
// kind, and takes those of other kinds away.
func (r *Registry) giveSecret(c *data.Client) (secret string, err error) {
	kind := kindOf(c.AuthMethod)
	if kind != hashed {
		c.SecretHash, c.OldHash = data.Hash{}, data.Hash{}
	}
	if kind != salted {
		c.SecretSalt, c.OldSalt = data.Hash{}, data.Hash{}
	}
	if kind == hashed && !c.SecretHash.IsZero() || kind == salted && !c.SecretSalt.IsZero() {
		return "", nil
	}
	return r.newSecret(c)
}

// newSecret replaces the secret of a client, if it has one.
func (r *Registry) newSecret(c *data.Client) (secret string, err error) {
	text, hash, err := r.o.Store.NewSecret(SecretPrefix)
	if err != nil {
		return "", err
	}
	switch kindOf(c.AuthMethod) {
	case hashed:
		c.SecretHash = hash
		return text, nil
	case salted:
		c.SecretSalt = hash // as good as any 256 random bits
		return r.derived(c.ID, hash), nil
	}
	return "", nil
}

// ErrConfigured says that a client is changed in the configuration only.
var ErrConfigured = errors.New("client: it is declared in the configuration")

// Change lets fn change a stored client, and holds the result against the
// rules. Where the client now needs another kind of secret, that is told here
// and never again. The error may be ErrUnknown, ErrConfigured, a
// metadata.Error, or fn's. fn may run more than once.
func (r *Registry) Change(ctx context.Context, id string, fn func(c *data.Client) error) (changed *Client, secret string, err error) {
	// What has to be fetched is fetched before the transaction, for the client
	// as it is now; within it the rules are held against what comes out.
	preview, err := r.o.Store.Client(ctx, id)
	if errors.Is(err, data.ErrNoClient) {
		return nil, "", r.notStored(id)
	} else if err != nil {
		return nil, "", err
	}
	if err := fn(&preview); err != nil {
		return nil, "", err
	}
	if err := r.check(ctx, &preview); err != nil {
		return nil, "", err
	}
	record, err := r.o.Store.ChangeClient(ctx, id, func(c *data.Client) (err error) {
		if err := fn(c); err != nil {
			return err
		}
		m := c.Metadata
		if err := r.rules.Complete(&m); err != nil {
			return err
		}
		if c.Registered {
			c.Metadata = m
		}
		secret, err = r.giveSecret(c)
		return err
	})
	if errors.Is(err, data.ErrNoClient) {
		return nil, "", ErrUnknown
	} else if err != nil {
		return nil, "", err
	}
	// The watch may tell of it a moment later: who changed it need not wait.
	r.stored.empty()
	return r.fromRecord(record), secret, nil
}

// RotateSecret gives a stored client a new secret. The old one stays good for
// the given time. It returns "" for a client that has no secret.
func (r *Registry) RotateSecret(ctx context.Context, id string, keep time.Duration) (secret string, err error) {
	until := time.Time{}
	if keep > 0 {
		until = r.o.Now().Add(keep)
	}
	_, err = r.o.Store.ChangeClient(ctx, id, func(c *data.Client) (err error) {
		c.OldHash, c.OldSalt, c.OldUntil = c.SecretHash, c.SecretSalt, until
		if keep <= 0 {
			c.OldHash, c.OldSalt = data.Hash{}, data.Hash{}
		}
		secret, err = r.newSecret(c)
		return err
	})
	if errors.Is(err, data.ErrNoClient) {
		return "", r.notStored(id)
	}
	r.stored.empty()
	return secret, err
}

// notStored says why a client that is not in the store cannot be changed.
func (r *Registry) notStored(id string) error {
	if r.configured[id] != nil {
		return ErrConfigured
	}
	return ErrUnknown
}

// Remove takes a client out of the store. It returns ErrUnknown, or
// ErrConfigured for one that only the configuration has.
func (r *Registry) Remove(ctx context.Context, id string) error {
	err := r.o.Store.DeleteClient(ctx, id)
	r.stored.empty()
	if errors.Is(err, data.ErrNoClient) {
		return r.notStored(id)
	}
	return err
}

// List returns the configured clients, in the order of their file, and behind
// them a page of those in the store after the given id.
func (r *Registry) List(ctx context.Context, after string, limit int) (configured, stored []*Client, err error) {
	if after == "" {
		for _, c := range r.o.Config.Clients {
			configured = append(configured, r.configured[c.ID])
		}
	}
	page, err := r.o.Store.Clients(ctx, after, limit)
	for _, record := range page {
		stored = append(stored, r.fromRecord(record))
	}
	return configured, stored, err
}
