package data

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"signet/data/kv"
)

// What the functions about grants find.
var (
	ErrNoGrant    = errors.New("data: no such grant")
	ErrDisabled   = errors.New("data: the user is disabled")
	ErrStaleEpoch = errors.New("data: the user's grants were ended in the meantime")
	ErrSignedOut  = errors.New("data: the account was signed out in the meantime")
)

// Grant is what a client holds for a user: one family of refresh tokens. The
// tokens themselves are not stored; package grant computes them.
type Grant struct {
	V      int     `json:"v"`
	ID     GrantID `json:"id"`
	User   UserID  `json:"user"`
	Client string  `json:"client"`
	Epoch  uint64  `json:"epoch"` // the user's, when the grant was made

	// Current is the generation of the newest token, made in the incarnation
	// Inc of the store with the MAC key MACKey; Parent, made in ParentInc, is
	// the one that was given for it. Generations begin with 1.
	Current   uint32   `json:"current"`
	Inc       string   `json:"inc"`
	MACKey    uint32   `json:"mac_key"`
	Parent    uint32   `json:"parent,omitzero"`
	ParentInc string   `json:"parent_inc,omitzero"`
	Salt      [16]byte `json:"salt"`

	CreatedAt time.Time `json:"created_at"`
	TurnedAt  time.Time `json:"turned_at"`  // the last turn, and so the last use
	ExpiresAt time.Time `json:"expires_at"` // slides with each turn
	MaxAt     time.Time `json:"max_at"`     // and never goes past this

	Scope    string    `json:"scope,omitzero"`
	Audience []string  `json:"audience,omitzero"`
	AuthTime time.Time `json:"auth_time"` // when the person proved to be the user
	AMR      []string  `json:"amr,omitzero"`
	ACR      string    `json:"acr,omitzero"`

	// NoRefresh says that no refresh token was given out: the grant is there
	// for its access token, and ends with it.
	NoRefresh bool `json:"no_refresh,omitzero"`

	// Status are the indices that living access tokens of the grant carry, the
	// newest last: that one is carried by the next token too. They are good
	// while TokenEpoch is the user's.
	Status     []Slot `json:"status,omitempty"`
	TokenEpoch uint64 `json:"token_epoch,omitzero"`

	// Revocations is how many there had been when the grant was made: those
	// that come later may end it.
	Revocations uint64 `json:"revocations,omitzero"`

	// As in Authorization.
	Account string `json:"account,omitzero"`
	SID     string `json:"sid,omitzero"`
	Offline bool   `json:"offline,omitzero"`
	Claims  string `json:"claims,omitzero"`
	JKT     string `json:"jkt,omitzero"`
	Nonce   string `json:"nonce,omitzero"`
}

func (g *Grant) kind() string  { return "grant" }
func (g *Grant) version() *int { return &g.V }

// Alive tells whether anything of the grant of u can still be used at now.
func (s *Store) Alive(g Grant, u User, now time.Time) bool {
	return g.User == u.ID && g.Epoch == u.Epoch && !u.Disabled &&
		now.Before(g.ExpiresAt) && slices.Contains(s.meta.Lineage(), g.Inc)
}

func getGrant(tx kv.Reader, id GrantID) (g Grant, found bool, err error) {
	found, err = get(tx, grantKey(id), &g)
	return g, found, err
}

// getHeld reads the grant and its user, both at once where likely is whom the
// grant names; "" is no guess. A grant without a user is none.
func getHeld(tx kv.Reader, id GrantID, likely UserID) (g Grant, u User, found bool, err error) {
	grant, user := grantKey(id), userKey(likely)
	if likely != "" {
		kv.Ask(tx, grant, user)
	}
	if found, err = get(tx, grant, &g); err != nil || !found {
		return g, u, false, err
	}
	if g.User != likely {
		user = userKey(g.User)
	}
	found, err = get(tx, user, &u)
	return g, u, found, err
}

// CreateGrant stores a new grant. The same transaction makes sure that the user
// is there (ErrNoUser), may sign in (ErrDisabled) and has the epoch of g still
// (ErrStaleEpoch): whoever signed in with a password that was changed since
// gets no grant. Nor does a client whose person has signed out of the browser
// (ErrSignedOut), unless the grant is Offline; nor one that was removed a moment
// ago (ErrNoClient). It returns the user as the
// transaction saw it: what a token says of a person is said from that.
func (s *Store) CreateGrant(ctx context.Context, g Grant) (u User, err error) {
	err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		u, verdict, err = s.createGrant(tx, &g)
		return verdict, err
	})
	return u, err
}

func (s *Store) createGrant(tx kv.Tx, g *Grant) (u User, verdict, err error) {
	u, found, err := getUser(tx, g.User)
	switch {
	case err != nil:
		return u, nil, err
	case !found:
		return u, ErrNoUser, nil
	case u.Disabled:
		return u, ErrDisabled, nil
	case u.Epoch != g.Epoch:
		return u, ErrStaleEpoch, nil
	}
	if g.Account != "" && !g.Offline {
		if there, err := s.signedIn(tx, *g); err != nil || !there {
			return u, ErrSignedOut, err
		}
	}
	if gone, err := s.clientGone(tx, g.Client); err != nil || gone {
		return u, ErrNoClient, err
	}
	taken, err := tx.Get(grantKey(g.ID))
	if err != nil {
		return u, nil, err
	}
	if taken != nil {
		return u, nil, fmt.Errorf("data: a grant's id was drawn twice")
	}
	g.TokenEpoch = u.TokenEpoch
	if g.Revocations, err = revocations(tx); err != nil {
		return u, nil, err
	}
	tx.Put(holdsKey(g.User, g.ID), present)
	tx.Put(clientHoldsKey(g.Client, g.ID), present)
	tx.Put(expiryKey(g.ExpiresAt, expiryGrant, g.ID[:]), present)
	return u, nil, put(tx, grantKey(g.ID), g)
}

// Change is what becomes of a grant.
type Change int

const (
	Keep Change = iota // as it was: nothing is written
	Save               // as fn left it
	End                // it is gone
)

// ChangeGrant reads the grant and its user, and does with the grant what fn
// says, in one transaction. It returns once whatever fn saw is durable. fn may
// run more than once; what it tells its caller is what its last run told. The
// grant's id, user and client stay as they are. A grant that is not there, or whose
// user is not, is ErrNoGrant.
//
// likely is a guess at the user, or "": the user is the one that the grant
// names, and comes without another way to the store where the guess is right.
func (s *Store) ChangeGrant(ctx context.Context, id GrantID, likely UserID, fn func(g *Grant, u User) Change) error {
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		g, u, found, err := getHeld(tx, id, likely)
		if err != nil {
			return nil, err
		}
		if !found {
			return ErrNoGrant, nil
		}
		s.dropStale(tx, &g, u)
		was := g
		switch fn(&g, u) {
		case Save:
			g.ID, g.User, g.Client = id, u.ID, was.Client
			return nil, put(tx, grantKey(id), &g)
		case End:
			s.endGrant(tx, was)
		}
		return nil, nil
	})
}

// endGrant removes the grant, and revokes the access tokens that it has out.
// The entry of the expiry index is left to the sweeper, who alone knows where
// it is by now.
func (s *Store) endGrant(tx kv.Tx, g Grant) {
	s.markSlots(tx, g.Status)
	tx.Delete(grantKey(g.ID))
	tx.Delete(holdsKey(g.User, g.ID))
	tx.Delete(clientHoldsKey(g.Client, g.ID))
}

// EndGrants ends those grants of the user that ends says, in bounded steps, and
// tells how many they were. ends may be asked more than once about a grant. A
// grant that cannot be read stays, and is an error after the others have ended.
func (s *Store) EndGrants(ctx context.Context, id UserID, ends func(Grant) bool) (ended int, err error) {
	step := endedStep{more: true}
	for step.more {
		from := step.last
		failed := s.engine.Update(ctx, func(tx kv.Tx) (err error) {
			step, err = s.endSome(tx, id, from, ends)
			return err
		})
		if failed != nil {
			return ended, failed
		}
		ended, err = ended+step.ended, errors.Join(err, step.unread)
	}
	return ended, err
}

// endedStep is what one transaction of EndGrants did.
type endedStep struct {
	ended  int
	last   GrantID // that it looked at
	more   bool    // there may be others after it
	unread error
}

// endAtOnce bounds the grants that one transaction looks at, where the engine
// does not bound it more.
const endAtOnce = 100

func (st *Store) endSome(tx kv.Tx, id UserID, after GrantID, ends func(Grant) bool) (s endedStep, err error) {
	t := st.step(tx)
	tx = t
	var held []GrantID
	most := t.some(endAtOnce)
	err = scanHeld(tx, id, after, func(grant GrantID) bool {
		held = append(held, grant)
		return len(held) < most
	})
	if err != nil {
		return s, err
	}
	s.more = len(held) == most
	for i := range held {
		if t.full() {
			s.more = true
			return s, nil
		}
		s.last = held[i]
		g, found, err := getGrant(tx, s.last)
		switch {
		case unreadable(err):
			s.unread = err
		case err != nil:
			return s, err
		case found && ends(g):
			st.endGrant(tx, g)
			s.ended++
		}
	}
	return s, nil
}

// Grant returns the grant, dead or alive, and its user, or ErrNoGrant. likely is
// as for ChangeGrant. What it sees a power cut may still undo.
func (s *Store) Grant(ctx context.Context, id GrantID, likely UserID) (g Grant, u User, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		var found bool
		g, u, found, err = getHeld(tx, id, likely)
		if err == nil && !found {
			err = ErrNoGrant
		}
		return err
	})
	return g, u, err
}

// UserGrants lists the grants of the user that are alive, in the order of their
// ids, from the first after the given one (zero: from the first): at most
// limit, and 1000 in any case. It returns ErrNoUser.
func (s *Store) UserGrants(ctx context.Context, id UserID, after GrantID, limit int) (list []Grant, err error) {
	limit = pageLimit(limit)
	now := s.now()
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		u, found, err := getUser(tx, id)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoUser
		}
		var bad error
		err = scanHeld(tx, id, after, func(grant GrantID) bool {
			var g Grant
			if g, found, bad = getGrant(tx, grant); bad != nil {
				return false
			}
			if found && s.Alive(g, u, now) {
				list = append(list, g)
			}
			return len(list) < limit
		})
		return errors.Join(err, bad)
	})
	return list, err
}

// scanHeld calls fn for the grants of the user after the given one.
func scanHeld(tx kv.Reader, id UserID, after GrantID, fn func(GrantID) bool) error {
	prefix := ofUser(holdsPrefix, id)
	var start []byte
	if after != (GrantID{}) {
		start = append(holdsKey(id, after), 0)
	}
	return tx.Scan(prefix, start, func(key, _ []byte) bool {
		return fn(GrantID(key[len(prefix):]))
	})
}
