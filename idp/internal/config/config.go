package config

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"signet/resource/token"
)

// Config is the whole checked configuration. Durations and sizes are in the
// units of their types: time.Duration, and bytes.
type Config struct {
	// File is the file that was read, or "" when there was none.
	File string

	Listen         string // host:port; an empty host means every address
	Issuer         string // an absolute URL without a trailing slash
	InsecureIssuer bool   // allow a plain-http issuer that is not loopback
	State          string // the folder of all that the issuer keeps
	TLS            TLS
	TrustedProxies []netip.Prefix
	MasterKeyFile  string // "" looks elsewhere; see package secret

	Audiences    []Audience // at least one; the first is the default
	Keys         Keys
	Tokens       Tokens
	Registration Registration
	Passwords    Passwords
	Throttle     Throttle
	Browser      Browser
	Log          Log
	Limits       Limits

	places []Place
}

// Place says where a setting was set: file:line, or its name in the
// environment.
type Place struct{ Key, Where string }

// SetUnder lists the settings whose keys begin with prefix and that are not at
// their defaults' place, for complaints about several of them together.
func (c Config) SetUnder(prefix string) []Place {
	var under []Place
	for _, p := range c.places {
		if strings.HasPrefix(p.Key, prefix) {
			under = append(under, p)
		}
	}
	return under
}

// TLS names the certificate to serve with. Both are set or neither is.
type TLS struct {
	Cert, Key string
}

// Enabled reports whether the issuer itself speaks TLS.
func (t TLS) Enabled() bool { return t.Cert != "" }

// Audience is a resource server, or several that share a name.
type Audience struct {
	Name      string
	Alg       token.Alg     // "" is the first of Keys.Algs
	AccessTTL time.Duration // 0 is Tokens.AccessTTL
}

// Keys is the schedule of the key ring. Package keys checks it as a whole,
// with the arithmetic.
type Keys struct {
	Algs         []token.Alg
	RSABits      int
	RotateEvery  time.Duration
	PublishAhead time.Duration
	Lease        time.Duration
	Skew         time.Duration
}

// Tokens is how long tokens live.
type Tokens struct {
	AccessTTL    time.Duration
	RefreshTTL   time.Duration // since the last use
	RefreshMax   time.Duration // since the login
	RefreshGrace time.Duration
	RefreshLate  Late
}

// Late says what a spent refresh token gets once the grace is over.
type Late string

// The answers to a late parent; section 5 of the design has the table.
const (
	LateFork   Late = "fork"
	LateRevoke Late = "revoke"
)

// Registration says who may register.
type Registration string

// The kinds of registration.
const (
	RegistrationOpen       Registration = "open"
	RegistrationClosed     Registration = "closed"
	RegistrationInvitation Registration = "invitation"
)

// Passwords is the password policy and the room for hashing.
type Passwords struct {
	BcryptCost     int
	MinLength      int // characters
	HashingWorkers int // 0 is half of the processors
	HashingWait    time.Duration
}

// Throttle slows guessing down.
type Throttle struct {
	Free            int           // wrong passwords without a delay
	Delay           time.Duration // the first delay; each doubles
	DelayMax        time.Duration // for one account from one network
	AccountDelayMax time.Duration // for one account from everywhere
	NetworkBurst    int           // wrong passwords of one network, for all accounts
	NetworkEvery    time.Duration // how often a network earns one more
	RegisterBurst   int           // registrations of one network
	RegisterEvery   time.Duration // how often a network earns one more
	KnownFor        time.Duration // how long a browser that signed in is known
	Counters        int           // how many counters are kept
}

// Browser is what scripts of other origins may do.
type Browser struct {
	Origins []string // exact, in the form that a browser sends
}

// Log is how the log is written.
type Log struct {
	Level  string // debug, info, warn or error: what slog.Level parses
	Format string // text or json
}

// Limits bound what one request or stranger can take. Sizes are in bytes.
type Limits struct {
	Body           int
	Header         int
	HeaderTimeout  time.Duration
	RequestTimeout time.Duration
	IdleTimeout    time.Duration
	LongPoll       time.Duration // the longest wait that is granted
	LongPolls      int           // waiting at once, in all
	LongPollsEach  int           // waiting at once, from one address
	Shutdown       time.Duration // what running requests get at a stop
}

// AccessTTL is how long an access token for the audience lives.
func (c Config) AccessTTL(a Audience) time.Duration {
	if a.AccessTTL != 0 {
		return a.AccessTTL
	}
	return c.Tokens.AccessTTL
}

// Alg is the algorithm that signs access tokens for the audience.
func (c Config) Alg(a Audience) token.Alg {
	if a.Alg != "" {
		return a.Alg
	}
	return c.Keys.Algs[0]
}

// PlainHTTP reports whether clients reach the issuer without TLS, neither
// here nor at a proxy, so that cookies cannot be Secure.
func (c Config) PlainHTTP() bool {
	u, err := url.Parse(c.Issuer)
	return err == nil && u.Scheme == "http"
}
