package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"signet/data/kv"
)

// What the functions about clients find.
var (
	ErrNoClient       = errors.New("data: no such client")
	ErrClientTaken    = errors.New("data: another client has this id")
	ErrTooManyClients = errors.New("data: too many clients have registered and were never used")
)

// Metadata is what a client says of itself, under the names of RFC 7591,
// section 2, OpenID Connect Registration, section 2, and the specifications
// named beside them. Zero is the default of its specification, or ours.
type Metadata struct {
	RedirectURIs    []string          `json:"redirect_uris,omitempty"`
	ResponseTypes   []string          `json:"response_types,omitempty"`
	GrantTypes      []string          `json:"grant_types,omitempty"`
	ApplicationType string            `json:"application_type,omitzero"` // web or native
	Contacts        []string          `json:"contacts,omitempty"`
	Name            string            `json:"client_name,omitzero"`
	Names           map[string]string `json:"client_names,omitempty"` // client_name#TAG by TAG; no name of RFC 7591
	ClientURI       string            `json:"client_uri,omitzero"`
	LogoURI         string            `json:"logo_uri,omitzero"` // kept, and never fetched
	PolicyURI       string            `json:"policy_uri,omitzero"`
	TOSURI          string            `json:"tos_uri,omitzero"`
	Scope           string            `json:"scope,omitzero"` // what it may ask for; "" is the usual

	JWKSURI string         `json:"jwks_uri,omitzero"`
	JWKS    jsontext.Value `json:"jwks,omitzero"`

	AuthMethod       string   `json:"token_endpoint_auth_method,omitzero"`
	AuthAlg          string   `json:"token_endpoint_auth_signing_alg,omitzero"`
	SectorURI        string   `json:"sector_identifier_uri,omitzero"`
	SubjectType      string   `json:"subject_type,omitzero"` // public or pairwise
	IDTokenAlg       string   `json:"id_token_signed_response_alg,omitzero"`
	UserinfoAlg      string   `json:"userinfo_signed_response_alg,omitzero"` // "" is plain JSON
	RequestObjectAlg string   `json:"request_object_signing_alg,omitzero"`
	IntrospectionAlg string   `json:"introspection_signed_response_alg,omitzero"` // RFC 9701, section 6
	DefaultMaxAge    *int64   `json:"default_max_age,omitzero"`                   // seconds
	RequireAuthTime  bool     `json:"require_auth_time,omitzero"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`
	InitiateLoginURI string   `json:"initiate_login_uri,omitzero"`
	RequestURIs      []string `json:"request_uris,omitempty"`
	RequirePAR       bool     `json:"require_pushed_authorization_requests,omitzero"` // RFC 9126, section 6
	RequireSigned    bool     `json:"require_signed_request_object,omitzero"`         // RFC 9101, section 10.5
	DPoPBound        bool     `json:"dpop_bound_access_tokens,omitzero"`              // RFC 9449, section 5.2
	SoftwareID       string   `json:"software_id,omitzero"`
	SoftwareVersion  string   `json:"software_version,omitzero"`
	PostLogoutURIs   []string `json:"post_logout_redirect_uris,omitempty"`           // RP-Initiated Logout, section 3.1
	FrontLogoutURI   string   `json:"frontchannel_logout_uri,omitzero"`              // Front-Channel Logout, section 2
	FrontLogoutSID   bool     `json:"frontchannel_logout_session_required,omitzero"` // the same
	BackLogoutURI    string   `json:"backchannel_logout_uri,omitzero"`               // Back-Channel Logout, section 2.2
	BackLogoutSID    bool     `json:"backchannel_logout_session_required,omitzero"`  // the same
}

// Client is a program that people, or it itself, let use their accounts.
type Client struct {
	V  int    `json:"v"`
	ID string `json:"id"`
	Metadata

	// SecretHash is of the secret. A client whose secret is needed in the
	// clear (client_secret_jwt) has SecretSalt instead: its secret is derived
	// from it with a key that the store holds sealed. For a while after a
	// change the old one of either kind is good as well.
	SecretHash Hash      `json:"secret_hash,omitzero"`
	SecretSalt Hash      `json:"secret_salt,omitzero"`
	OldHash    Hash      `json:"old_hash,omitzero"`
	OldSalt    Hash      `json:"old_salt,omitzero"`
	OldUntil   time.Time `json:"old_until,omitzero"`

	// What only the operator may say.
	FirstParty        bool     `json:"first_party,omitzero"`         // people are not asked for consent
	RequirePKCE       bool     `json:"require_pkce,omitzero"`        // also of a client with a secret
	Audiences         []string `json:"audiences,omitempty"`          // that it may ask for; none is all
	ExchangeAudiences []string `json:"exchange_audiences,omitempty"` // that it may exchange tokens for (RFC 8693)
	Introspect        bool     `json:"introspect,omitzero"`          // it may ask about tokens of its audiences

	// A client that registered itself.
	Registered        bool `json:"registered,omitzero"`
	RegistrationToken Hash `json:"registration_token,omitzero"` // RFC 7592, section 3
	Used              bool `json:"used,omitzero"`               // somebody signed in with it, or it with itself

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never; a registered one that is not used ends soon
}

func (c *Client) kind() string  { return "client" }
func (c *Client) version() *int { return &c.V }

// CreateClient stores a new client. One that registered itself, and is not yet
// used, has an end, and there are at most maxUnused of its kind (0: any
// number). It returns ErrClientTaken or ErrTooManyClients.
func (s *Store) CreateClient(ctx context.Context, c Client, maxUnused int) error {
	if c.Registered && !c.Used && maxUnused > 0 {
		return s.createStranger(ctx, c, maxUnused)
	}
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) { return s.createClient(tx, c, false) })
}

// strangersCell counts the clients that registered themselves.
const strangersCell = "strangers"

// errCounted says that another one came after the unused ones were counted.
var errCounted = errors.New("data: another client registered itself")

// createStranger counts the unused ones in a View, since there may be more than
// an engine takes reads in a transaction, and counts again where another one
// came in between.
func (s *Store) createStranger(ctx context.Context, c Client, maxUnused int) error {
	for {
		var counted []byte
		unused := 0
		err := s.engine.View(ctx, func(tx kv.Reader) error {
			value, err := tx.Get(cellKey(strangersCell))
			if err != nil {
				return err
			}
			counted = bytes.Clone(value)
			return tx.Scan([]byte(unusedPrefix), nil, func(_, _ []byte) bool {
				unused++
				return unused < maxUnused
			})
		})
		if err != nil {
			return err
		}
		err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
			now, err := tx.Get(cellKey(strangersCell))
			if err != nil || !bytes.Equal(now, counted) {
				return errCounted, err
			}
			verdict, err = s.createClient(tx, c, unused >= maxUnused)
			if verdict == nil && err == nil {
				tx.Put(cellKey(strangersCell), next(now))
			}
			return verdict, err
		})
		if !errors.Is(err, errCounted) {
			return err
		}
	}
}

// next is the number after the one that the cell holds.
func next(cell []byte) []byte {
	var n uint64
	if len(cell) == 8 {
		n = binary.BigEndian.Uint64(cell)
	}
	return binary.BigEndian.AppendUint64(nil, n+1)
}

// CreateInvitedClient stores a client that registered itself with an initial
// access token, and takes one use of the token, both or neither. It stays,
// used or not. It returns ErrNone for a token that is not good any more, and
// ErrClientTaken.
func (s *Store) CreateInvitedClient(ctx context.Context, c Client, token Hash) error {
	c.Used = true
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		t, err := s.InitialTokens.get(tx, token)
		switch {
		case errors.Is(err, ErrNone) || err == nil && t.Uses < 1:
			return ErrNone, nil
		case err != nil:
			return nil, err
		}
		if verdict, err := s.createClient(tx, c, false); verdict != nil || err != nil {
			return verdict, err
		}
		if t.Uses--; t.Uses == 0 {
			tx.Delete(s.InitialTokens.key(token))
			return nil, nil
		}
		return nil, put(tx, s.InitialTokens.key(token), &t)
	})
}

func (s *Store) createClient(tx kv.Tx, c Client, tooMany bool) (verdict, err error) {
	c.CreatedAt = s.now()
	c.UpdatedAt = c.CreatedAt
	taken, err := tx.Get(clientKey(c.ID))
	if err != nil {
		return nil, err
	}
	if taken != nil {
		return ErrClientTaken, nil
	}
	if tooMany {
		return ErrTooManyClients, nil
	}
	tx.Delete(passingKey(markKind, removedMark(c.ID)))
	return nil, putClient(tx, Client{}, &c)
}

func putClient(tx kv.Tx, old Client, c *Client) error {
	h := HashOf(c.ID)
	if c.Registered && !c.Used {
		if c.ExpiresAt.IsZero() {
			return errors.New("data: a client that registered itself needs an end, until it is used")
		}
		tx.Put(unusedKey(h), present)
	} else {
		tx.Delete(unusedKey(h))
	}
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.Equal(old.ExpiresAt) {
		tx.Put(expiryKey(c.ExpiresAt, expiryClient, h[:]), present)
	}
	return put(tx, clientKey(c.ID), c)
}

// Client returns ErrNoClient where there is none, or not any more.
func (s *Store) Client(ctx context.Context, id string) (c Client, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		c, err = s.getClient(tx, id)
		return err
	})
	return c, err
}

func (s *Store) getClient(tx kv.Reader, id string) (c Client, err error) {
	found, err := get(tx, clientKey(id), &c)
	if err == nil && (!found || c.ID != id || c.over(s.now())) {
		err = ErrNoClient
	}
	return c, err
}

func (c Client) over(now time.Time) bool { return !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt) }

// ChangeClient changes a client in one transaction. fn may run more than once;
// its error leaves the client as it was. The id, the time of creation and who
// registered it stay as they are. It returns ErrNoClient.
func (s *Store) ChangeClient(ctx context.Context, id string, fn func(c *Client) error) (changed Client, err error) {
	err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		old, err := s.getClient(tx, id)
		if errors.Is(err, ErrNoClient) {
			return ErrNoClient, nil
		}
		if err != nil {
			return nil, err
		}
		changed = old
		if verdict := fn(&changed); verdict != nil {
			return verdict, nil
		}
		changed.ID, changed.CreatedAt, changed.Registered, changed.UpdatedAt = id, old.CreatedAt, old.Registered, s.now()
		return nil, putClient(tx, old, &changed)
	})
	if err != nil {
		return Client{}, err
	}
	return changed, nil
}

// Clients lists clients in no order that means anything, from the first after
// the given one ("": from the first): at most limit, and 1000 in any case. A
// page that is not full is the last.
func (s *Store) Clients(ctx context.Context, after string, limit int) (list []Client, err error) {
	limit = pageLimit(limit)
	var start []byte
	if after != "" {
		start = append(clientKey(after), 0)
	}
	now := s.now()
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		var bad error
		err := tx.Scan([]byte(clientPrefix), start, func(_, value []byte) bool {
			var c Client
			if bad = decode(value, &c); bad != nil {
				return false
			}
			if !c.over(now) {
				list = append(list, c)
			}
			return len(list) < limit
		})
		return errors.Join(err, bad)
	})
	return list, err
}

// ClientsChanged returns a channel that receives after some client was
// changed, here or on another node. stop ends it.
func (s *Store) ClientsChanged() (changed <-chan struct{}, stop func()) {
	return s.engine.Watch([]byte(clientPrefix))
}

// sweepClient removes a client that registered itself and was never used.
func (w *sweeper) sweepClient(h Hash) (again time.Time, err error) {
	var c Client
	key := append([]byte(clientPrefix), h[:]...)
	found, err := get(w.tx, key, &c)
	switch {
	case unreadable(err):
		return w.unread(err), nil
	case err != nil || !found || c.ExpiresAt.IsZero():
		return time.Time{}, err
	case w.now.Before(c.ExpiresAt):
		return c.ExpiresAt, nil
	}
	w.tx.Delete(key)
	w.tx.Delete(unusedKey(h))
	return time.Time{}, nil
}
