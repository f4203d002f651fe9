package mint

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"signet/keys"
	"signet/resource/token"
)

// The reasons why claims are not signed.
var (
	// ErrAudience says that no audience of that name is configured; on the
	// wire it is invalid_target (RFC 8707, section 2).
	ErrAudience = errors.New("mint: no such audience")
	// ErrMixed says that audiences are signed with different algorithms, so
	// that no one token can be for all of them; it wraps ErrAudience.
	ErrMixed = fmt.Errorf("%w that is signed like the others", ErrAudience)
	// ErrClaims says that a claim that must be there is not, or is no claim
	// that a token may carry: a mistake of Signet's own.
	ErrClaims = errors.New("mint: the claims are not complete")
	// ErrSpent says that a Checked was signed already.
	ErrSpent = errors.New("mint: these claims were signed already")
)

// Profile is what the configuration says of one audience: which algorithm its
// tokens are signed with and how long they live.
type Profile struct {
	Audience string
	Also     []string // further audiences, of a token that is for several
	Alg      token.Alg
	TTL      time.Duration
}

// Audiences are all that a token of the profile is for.
func (p Profile) Audiences() []string { return append([]string{p.Audience}, p.Also...) }

// Ring is where the signing keys come from; *keys.Ring is one.
type Ring interface {
	Snapshot() *keys.Snapshot
}

// Options are what a Mint is made of. Issuer, Ring and one Profile are needed.
type Options struct {
	Issuer   string
	Ring     Ring
	Profiles []Profile // the first is the audience of those who name none
	Now      func() time.Time
	Rand     io.Reader
}

// Mint signs tokens of one issuer.
type Mint struct {
	issuer   string
	ring     Ring
	first    Profile
	profiles map[string]Profile
	now      func() time.Time
	rand     io.Reader
}

// New makes a Mint.
func New(o Options) *Mint {
	m := &Mint{issuer: o.Issuer, ring: o.Ring, first: o.Profiles[0], profiles: map[string]Profile{}, now: o.Now, rand: o.Rand}
	for _, p := range o.Profiles {
		m.profiles[p.Audience] = p
	}
	if m.now == nil {
		m.now = time.Now
	}
	if m.rand == nil {
		m.rand = rand.Reader
	}
	return m
}

// Profile finds the audience that a client asked for; the empty name is the
// first one. Ask before a transaction: an audience that is not there must
// change nothing.
func (m *Mint) Profile(audience string) (Profile, error) {
	if audience == "" {
		return m.first, nil
	}
	p, ok := m.profiles[audience]
	if !ok {
		return Profile{}, ErrAudience // not which: a stranger typed it, and errors are logged
	}
	return p, nil
}

// Profiles is the profile of a token for all of the audiences, each once, the
// first one if there are none: it lives as long as the shortest of theirs, and
// one algorithm has to be right for all.
func (m *Mint) Profiles(audiences []string) (Profile, error) {
	if len(audiences) == 0 {
		return m.first, nil
	}
	all, err := m.Profile(audiences[0])
	if err != nil {
		return Profile{}, err
	}
	all.Also = nil
	for _, name := range audiences[1:] {
		p, err := m.Profile(name)
		switch {
		case err != nil:
			return Profile{}, err
		case p.Alg != all.Alg:
			return Profile{}, ErrMixed
		case !slices.Contains(all.Audiences(), p.Audience):
			all.Also = append(all.Also, p.Audience)
		}
		all.TTL = min(all.TTL, p.TTL)
	}
	return all, nil
}

// Access is what an access token says (RFC 9068, section 2.2). The issuer, the
// times and the jti are mint's to add.
type Access struct {
	Subject  string
	ClientID string
	Scope    string
	Roles    []string
	SID      string
	AuthTime time.Time
	AMR      []string
	ACR      string
	JKT      string          // the client's DPoP key: cnf.jkt (RFC 9449, section 6.1)
	Actor    *token.Actor    // who acts for the subject (RFC 8693, section 4.1)
	Status   token.StatusRef // what takes the token back; every access token has one
	NotAfter time.Time       // the token ends no later than this, where it is set
}

// Checked is a set of claims that may be signed, once.
type Checked struct {
	signer  *keys.Signer
	typ     string
	payload []byte
	ttl     time.Duration
	spent   bool
}

// Access checks the claims of an access token for the audience of p, and says
// which key is to sign them. It fails with keys.ErrLease when this node has
// not heard from its store for too long.
func (m *Mint) Access(p Profile, a Access) (*Checked, error) {
	for _, name := range p.Audiences() {
		if _, ok := m.profiles[name]; !ok {
			return nil, fmt.Errorf("%w: %q", ErrAudience, name)
		}
	}
	switch {
	case a.Subject == "" || a.ClientID == "":
		return nil, fmt.Errorf("%w: sub and client_id are required (RFC 9068, section 2.2)", ErrClaims)
	case a.Status.URI == "":
		return nil, fmt.Errorf("%w: an access token that cannot be taken back", ErrClaims)
	}
	signer, err := m.ring.Snapshot().Signer(p.Alg)
	if err != nil {
		return nil, err
	}
	jti, err := m.jti()
	if err != nil {
		return nil, err
	}
	// While a longer lifetime is on its way to every node, a key may still
	// allow less.
	ttl := min(p.TTL, signer.MaxLifetime())
	now := m.now().Truncate(time.Second)
	if !a.NotAfter.IsZero() {
		ttl = min(ttl, a.NotAfter.Sub(now).Truncate(time.Second))
	}
	if ttl <= 0 {
		return nil, fmt.Errorf("%w: the token would have ended before it began", ErrClaims)
	}
	claims := token.Claims{
		Issuer: m.issuer, Subject: a.Subject, Audience: p.Audiences(), ClientID: a.ClientID,
		IssuedAt: token.At(now), Expiry: token.At(now.Add(ttl)), ID: jti,
		Scope: a.Scope, Roles: a.Roles, SessionID: a.SID, AMR: a.AMR,
		ACR: a.ACR, Confirmation: token.Confirmation{JKT: a.JKT}, Actor: a.Actor,
		Status: token.Status{List: a.Status},
	}
	if !a.AuthTime.IsZero() {
		claims.AuthTime = token.At(a.AuthTime)
	}
	payload, err := claims.Marshal()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return &Checked{signer: signer, typ: token.TypAccess, payload: payload, ttl: ttl}, nil
}

// Token is a signed token and how long it lives.
type Token struct {
	Value     string
	ExpiresIn time.Duration
}

// Sign signs c. It fails as Access does when the lease ended in between.
func (m *Mint) Sign(c *Checked) (Token, error) {
	if c.spent {
		return Token{}, ErrSpent
	}
	c.spent = true
	value, err := c.signer.Sign(c.typ, c.payload, c.ttl)
	if err != nil {
		return Token{}, err
	}
	return Token{Value: value, ExpiresIn: c.ttl}, nil
}

// jti is 128 random bits, so that no two tokens share one (RFC 7519, section
// 4.1.7).
func (m *Mint) jti() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(m.rand, b[:]); err != nil {
		return "", fmt.Errorf("mint: no randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
