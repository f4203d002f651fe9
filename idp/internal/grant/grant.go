package grant

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"signet/data"
)

// ErrInvalid is wrapped by every error that is the token's fault. On the wire
// they are all the same invalid_grant.
var ErrInvalid = errors.New("grant: the refresh token is not valid")

// Why a token is not valid.
var (
	ErrMalformed = fmt.Errorf("%w: malformed", ErrInvalid)
	ErrUnknown   = fmt.Errorf("%w: unknown", ErrInvalid) // forged, or its grant is gone
	ErrExpired   = fmt.Errorf("%w: expired", ErrInvalid)
	ErrEnded     = fmt.Errorf("%w: its grant was ended", ErrInvalid)
	ErrReused    = fmt.Errorf("%w: it was spent before, and its grant ended with this", ErrInvalid)
	ErrSpent     = fmt.Errorf("%w: it is not the newest one of its grant", ErrInvalid)
)

// Late is what becomes of a spent token that comes back after the grace, while
// its successor was never used.
type Late int

const (
	// LateFork answers with another successor; the unused one is dead. No
	// client is logged out by an answer that was lost.
	LateFork Late = iota
	// LateRevoke takes it for a theft and ends the grant.
	LateRevoke
)

// Policy says how long grants live.
type Policy struct {
	TTL   time.Duration // past the last turn
	Max   time.Duration // past the start
	Grace time.Duration // in which a spent token gets the same successor again
	Late  Late
}

func (p Policy) validate() error {
	switch {
	case p.TTL <= 0 || p.Max <= 0:
		return errors.New("grant: a grant needs a time to live")
	case p.Grace < 0:
		return errors.New("grant: the grace is negative")
	case p.Grace >= p.TTL:
		return fmt.Errorf("grant: the grace (%s) does not end before a grant does (%s)", p.Grace, p.TTL)
	case p.Late != LateFork && p.Late != LateRevoke:
		return fmt.Errorf("grant: no such policy for late tokens: %d", p.Late)
	}
	return nil
}

// MAC makes and checks MACs under keys that have numbers.
type MAC interface {
	// Sum uses the present key and returns its number.
	Sum(msg []byte) (key uint32, mac [32]byte, err error)
	// SumWith uses the key of that number, if it still verifies.
	SumWith(key uint32, msg []byte) (mac [32]byte, err error)
	// Verify returns nil if the MAC is right.
	Verify(key uint32, msg, mac []byte) error
}

// Secret derives keys that are the same on every node and never change: an
// answer could not be repeated else.
type Secret interface {
	Derive(purpose string, about ...string) [32]byte
}

// Options are what a Service is made of. Now, Rand and Logger have defaults.
type Options struct {
	Store *data.Store
	MACs  MAC
	// Secret gives the key under which a refresh token says whose it is.
	Secret Secret
	// Hinted tells whether tokens are given out that do: every issuer has to read
	// them. Nil: none are. All are accepted.
	Hinted func() bool
	// Refused tells which errors of MACs are a token's fault: a wrong MAC, and
	// a key that was revoked or never was. Any other is a failure, and a
	// client must not be told to throw its token away for it.
	Refused func(error) bool
	Policy  Policy
	Now     func() time.Time
	Rand    io.Reader
	Logger  *slog.Logger
}

// Service starts, turns and ends grants. It is safe for concurrent use.
type Service struct {
	o       Options
	lineage []string // the incarnations whose tokens count, the oldest first
	hints   cipher.Block
}

// New refuses a policy that makes no sense.
func New(o Options) (*Service, error) {
	if err := o.Policy.validate(); err != nil {
		return nil, err
	}
	if o.Store == nil || o.MACs == nil || o.Secret == nil || o.Refused == nil {
		return nil, errors.New("grant: Store, MACs, Secret and Refused are required")
	}
	key := o.Secret.Derive("refresh-token-hint")
	hints, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("grant: the key of the hints: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Service{o: o, lineage: o.Store.Meta().Lineage(), hints: hints}, nil
}

func (s *Service) now() time.Time { return s.o.Now().UTC().Round(0) }

// Outcome tells how a refresh token came to be.
type Outcome int

const (
	_        Outcome = iota
	Started          // the first of a grant
	Turned           // for the current one
	Repeated         // the same answer again: nothing was written
	Forked           // another one for the parent; the unused one is dead
	Reissued         // for one of before a restore
)

func (o Outcome) String() string {
	names := [...]string{Started: "started", Turned: "turned", Repeated: "repeated", Forked: "forked", Reissued: "reissued"}
	if o < Started || int(o) >= len(names) {
		return fmt.Sprintf("Outcome(%d)", int(o))
	}
	return names[o]
}

// Issued is a refresh token that may be handed out: all that it depends on is
// durable.
type Issued struct {
	Outcome      Outcome
	Grant        data.Grant
	User         data.User
	RefreshToken RefreshToken
}

// Slot is what the access token carries that is given out with this.
func (i Issued) Slot() data.Slot {
	slot, _ := i.Grant.Slot()
	return slot
}

// StartRequest says what a new grant is for. User is the record that the
// person was checked against: the grant has its epoch.
type StartRequest struct {
	User     data.User
	Client   string
	Scope    string
	Audience []string
	AuthTime time.Time
	AMR      []string

	// Where the grant comes from an authorization request: what it says
	// beyond the above, which then is in it too.
	Authorization data.Authorization
	// Access is set where no refresh token is given out: how long the access
	// token lives that the grant is for, and so the grant.
	Access time.Duration
}

// Start makes a grant. It returns ErrEnded where the user was deleted, disabled
// or signed out, everywhere or of that browser, since the record was read, or
// the client was removed.
func (s *Service) Start(ctx context.Context, r StartRequest) (Issued, error) {
	a := r.Authorization
	a.User, a.Epoch, a.Client, a.Scope, a.Audience = r.User.ID, r.User.Epoch, r.Client, r.Scope, r.Audience
	a.AuthTime, a.AMR = r.AuthTime, r.AMR
	f, err := s.fresh(ctx, r.Access)
	if err != nil {
		return Issued{}, err
	}
	var g data.Grant
	text, err := f.of(a, "", &g)
	if err != nil {
		return Issued{}, err
	}
	u, err := s.o.Store.CreateGrant(ctx, g)
	if err != nil {
		return Issued{}, ended(err)
	}
	return Issued{Outcome: Started, Grant: g, User: u, RefreshToken: text}, nil
}

// ended is what the store's verdicts about a new grant's user mean.
func ended(err error) error {
	if errors.Is(err, data.ErrNoUser) || errors.Is(err, data.ErrDisabled) || errors.Is(err, data.ErrStaleEpoch) ||
		errors.Is(err, data.ErrSignedOut) || errors.Is(err, data.ErrNoClient) {
		return fmt.Errorf("%w: %w", ErrEnded, err)
	}
	return err
}

// fresh is what a new grant needs and a transaction must not draw: it may run
// more than once.
type fresh struct {
	s      *Service
	now    time.Time
	access time.Duration // 0: with a refresh token
	id     data.GrantID
	salt   [16]byte
	slot   data.Slot
	used   *bool // the grant may have been stored, and slot with it
}

func (s *Service) fresh(ctx context.Context, access time.Duration) (f fresh, err error) {
	f = fresh{s: s, now: s.now(), access: access, used: new(bool)}
	if f.slot, err = s.o.Store.DrawSlot(ctx); err != nil {
		return f, fmt.Errorf("grant: no index of a status list: %w", err)
	}
	for _, b := range [][]byte{f.id[:], f.salt[:]} {
		if _, err := io.ReadFull(s.o.Rand, b); err != nil {
			return f, fmt.Errorf("grant: no randomness: %w", err)
		}
	}
	return f, nil
}

// done gives the slot back that no grant can have: who comes with codes that
// are not valid must not use up the lists.
func (f fresh) done() {
	if !*f.used {
		f.s.o.Store.ReturnSlot(f.slot)
	}
}

// of fills g, and returns its refresh token where it is to have one.
func (f fresh) of(a data.Authorization, nonce string, g *data.Grant) (RefreshToken, error) {
	*g = data.Grant{
		ID: f.id, Salt: f.salt, User: a.User, Client: a.Client, Epoch: a.Epoch,
		Current: 1, Inc: f.s.incarnation(),
		CreatedAt: f.now, TurnedAt: f.now, MaxAt: f.now.Add(f.s.o.Policy.Max),
		Scope: a.Scope, Audience: a.Audience, AuthTime: a.AuthTime, AMR: a.AMR, ACR: a.ACR,
		Account: a.Account, SID: a.SID, Offline: a.Offline, Claims: a.Claims, JKT: a.JKT, Nonce: nonce,
	}
	g.Carry(f.slot, f.now)
	*f.used = true
	if f.access > 0 {
		g.NoRefresh, g.MaxAt = true, f.now.Add(f.access)
		g.ExpiresAt = g.MaxAt
		return "", nil
	}
	g.ExpiresAt = f.s.expiry(*g, f.now)
	return f.s.seal(g)
}

// expiry slides with each turn and stops at the grant's end.
func (s *Service) expiry(g data.Grant, now time.Time) time.Time {
	at := now.Add(s.o.Policy.TTL)
	if at.After(g.MaxAt) {
		return g.MaxAt
	}
	return at
}

func (s *Service) incarnation() string { return s.lineage[len(s.lineage)-1] }

// seal makes the token of the grant's current generation with the present MAC
// key, and notes the key in the grant.
func (s *Service) seal(g *data.Grant) (RefreshToken, error) {
	t := s.bare(*g)
	key, mac, err := s.o.MACs.Sum(message(g.Inc, t, g.Salt))
	if err != nil {
		return "", fmt.Errorf("grant: the MAC keys: %w", err)
	}
	t.key, t.mac, g.MACKey = key, mac, key
	return t.text(), nil
}

// reseal makes the token of the current generation once more, with the key it
// was made with: the present one may be another by now. Where it was made in the
// other form, this one is of the same generation, and so one token with it.
func (s *Service) reseal(g data.Grant) (RefreshToken, error) {
	t := s.bare(g)
	mac, err := s.o.MACs.SumWith(g.MACKey, message(g.Inc, t, g.Salt))
	if err != nil {
		return "", s.refusal(err)
	}
	t.key, t.mac = g.MACKey, mac
	return t.text(), nil
}

// bare is the token of the grant's current generation without its MAC.
func (s *Service) bare(g data.Grant) token {
	t := token{grant: g.ID, generation: g.Current, short: s.o.Hinted == nil || !s.o.Hinted()}
	if !t.short {
		t.hint = s.hint(g.User, g.ID)
	}
	return t
}

// refusal is what an error of MACs means to the client.
func (s *Service) refusal(err error) error {
	if s.o.Refused(err) {
		return ErrUnknown
	}
	return fmt.Errorf("grant: the MAC keys: %w", err)
}
