package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/client/metadata"
	"signet/internal/recent"
	"signet/keys"
	"signet/resource/token"
)

// ErrDead is wrapped by every reason why a token is no good, or not any more.
// None quotes what a stranger sent.
var ErrDead = errors.New("live: not a live access token of ours")

// Ring is where the keys come from; *keys.Ring is one.
type Ring interface {
	Snapshot() *keys.Snapshot
}

// Clients tells whether a client is still there; *client.Registry does.
type Clients interface {
	Find(ctx context.Context, id string) (*client.Client, error)
}

// Options are what a Reader is made of; all are needed but Room.
type Options struct {
	Issuer  string
	Ring    Ring
	Store   *data.Store
	Clients Clients
	Now     func() time.Time
	Room    int // bytes for tokens that were verified; 16 MiB unless set
}

// Reader reads access tokens. It is safe for concurrent use.
type Reader struct {
	o    Options
	seen *recent.Cache[*signed]
}

// New makes a Reader.
func New(o Options) *Reader {
	if o.Room == 0 {
		o.Room = 16 << 20
	}
	return &Reader{o: o, seen: recent.New[*signed](o.Room)}
}

// Access is a live access token. Grant and User are set where it is of a
// person, which Person tells. What it points to is shared: nobody changes it.
type Access struct {
	token.Claims
	Client *client.Client // to whom it was issued; nil: the built-in one, metadata.FirstParty
	Person bool
	Grant  data.Grant
	User   data.User
}

// Access returns what a token says that we signed and that is good now: its
// grant goes on, the clients that it names are there, and it was not revoked.
// Else the error is ErrDead, or a failure to find out.
func (r *Reader) Access(ctx context.Context, raw string) (Access, error) {
	return r.AccessIf(ctx, raw, func(token.Claims) bool { return true })
}

// AccessIf is Access for those tokens that mine says are the caller's business.
// All others are dead to it, whether or not they are, and the store is not even
// asked: the time that the answer takes says no more than the signature does.
func (r *Reader) AccessIf(ctx context.Context, raw string, mine func(token.Claims) bool) (Access, error) {
	if len(raw) > token.MaxLength {
		return Access{}, fmt.Errorf("%w: %w", ErrDead, token.ErrLength)
	}
	name := recent.NameOf(raw)
	t, seen := r.seen.Get(name)
	if !seen {
		var err error
		if t, err = r.verify(raw, r.published); err != nil {
			return Access{}, err
		}
	}
	if err := r.current(t); err != nil {
		r.seen.Drop(name)
		return Access{}, err
	}
	if !mine(t.claims) {
		return Access{}, fmt.Errorf("%w: it is none of the caller's business", ErrDead)
	}
	h, err := r.held(ctx, t)
	if err != nil {
		return Access{}, err
	}
	if !seen {
		r.seen.Put(name, t, len(raw)+h.Size())
	}
	return r.access(ctx, t.claims, h)
}

// Revoke makes the token dead, here and to all who follow its status list.
// The other access tokens of its grant, and those that it was exchanged from or
// for, carry the same index and die with it (RFC 7009, section 2.1); the grant
// goes on.
func (r *Reader) Revoke(ctx context.Context, a Access) error {
	list, err := r.list(a.Status.List.URI)
	if err != nil {
		return err
	}
	return r.o.Store.RevokeSlot(ctx, list, a.Status.List.Index, a.Grant.ID)
}

// RevokeSigned makes a token dead as Revoke does, whatever it is worth: only
// that we signed it counts, with whichever key, and however long ago. It returns
// what the token says; the error is ErrDead for one that is not ours.
func (r *Reader) RevokeSigned(ctx context.Context, raw string) (token.Claims, error) {
	if len(raw) > token.MaxLength {
		return token.Claims{}, fmt.Errorf("%w: %w", ErrDead, token.ErrLength)
	}
	t, err := r.verify(raw, r.ever)
	if err != nil {
		return token.Claims{}, err
	}
	a := Access{Claims: t.claims}
	if a.SessionID != "" {
		if a.Grant.ID, err = data.ParseGrantID(a.SessionID); err != nil {
			return token.Claims{}, err
		}
	}
	return t.claims, r.Revoke(ctx, a)
}

// held asks the store about a token: whether it was revoked, and about its
// grant, if it came from one.
func (r *Reader) held(ctx context.Context, t *signed) (*data.Holding, error) {
	h, revoked, err := t.lookup.Ask(ctx)
	switch {
	case errors.Is(err, data.ErrNoGrant):
		return nil, fmt.Errorf("%w: its grant has ended", ErrDead)
	case err != nil:
		return nil, err
	case revoked:
		return nil, fmt.Errorf("%w: it was revoked", ErrDead)
	case h != nil && !r.o.Store.Alive(h.Grant, h.User, r.o.Now()):
		return nil, fmt.Errorf("%w: its grant has ended", ErrDead)
	}
	return h, nil
}

// access adds the client. Behind a token there may be a second one: that of the
// grant, or the subject, where it was exchanged for another (RFC 8693). Both
// have to be there.
func (r *Reader) access(ctx context.Context, c token.Claims, h *data.Holding) (a Access, err error) {
	a = Access{Claims: c}
	origin := c.Subject
	if h != nil {
		a.Person, a.Grant, a.User = true, h.Grant, h.User
		origin = h.Grant.Client
	}
	if origin != c.ClientID {
		if _, err := r.client(ctx, origin, h != nil); err != nil {
			return Access{}, err
		}
	}
	if a.Client, err = r.client(ctx, c.ClientID, h != nil); err != nil {
		return Access{}, err
	}
	return a, nil
}

// client finds a client. The built-in one is nowhere registered; it acts for
// people only.
func (r *Reader) client(ctx context.Context, id string, person bool) (*client.Client, error) {
	if person && id == metadata.FirstParty {
		return nil, nil
	}
	c, err := r.o.Clients.Find(ctx, id)
	if errors.Is(err, client.ErrUnknown) {
		return nil, fmt.Errorf("%w: its client is gone", ErrDead)
	}
	return c, err
}
