package config

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"signet/data"
	"signet/data/kv/address"
	"signet/resource/token"
)

// Config is the whole checked configuration. Durations and sizes are in the
// units of their types: time.Duration, and bytes.
type Config struct {
	// File is the file that was read, or "" when there was none.
	File string

	Listen         string          // host:port; an empty host means every address
	Issuer         string          // an absolute URL without a trailing slash
	InsecureIssuer bool            // allow a plain-http issuer that is not loopback
	State          string          // the folder of what the issuer keeps on this machine
	Store          address.Address // of the store: signet.db in the state folder, unless set
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

	Clients            []Client
	Scopes             []Scope         // the operator's own, beside those of OpenID Connect
	TrustedIssuers     []TrustedIssuer // whose JWTs are grants (RFC 7523, section 2.1)
	ClientRegistration ClientRegistration
	ClientDocuments    []string // hosts of client metadata documents; "*" is every host
	OAuth              OAuth
	Sessions           Sessions
	Fetch              Fetch
	Brand              Brand

	Log    Log
	Limits Limits

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
	IDTTL        time.Duration // of ID tokens
	CodeTTL      time.Duration // of authorization codes
	DeviceTTL    time.Duration // of device and user codes
	RequestTTL   time.Duration // of authorization requests that wait for a person
	PushedTTL    time.Duration // of pushed ones, until their first use
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
	RequestBurst    int           // requests of one network that wait for somebody
	RequestEvery    time.Duration // how often a network earns one more
	KnownFor        time.Duration // how long a browser that signed in is known
	Counters        int           // how many counters are kept
}

// Browser is what scripts of other origins may do.
type Browser struct {
	Origins []string // exact, in the form that a browser sends
}

// Client is a client that the operator declares. Metadata has the names of RFC
// 7591; one of the three places of a secret is set, or none for a public or a
// private_key_jwt client.
type Client struct {
	Where        string // file:line
	ID           string
	Secret       string
	SecretFile   string // a file that holds it and nothing else
	SecretSHA256 string // in hex, for those who keep no secret in a file

	Metadata          data.Metadata
	FirstParty        bool     // people are not asked for consent
	RequirePKCE       bool     // also of a client with a secret
	Audiences         []string // that it may ask for; none is all
	ExchangeAudiences []string // that it may exchange tokens for
	Introspect        bool     // it may ask about tokens of its audiences
}

// Scope is a permission of the operator's own APIs.
type Scope struct {
	Name  string
	Text  string            // in plain words, for the consent page
	Texts map[string]string // by language tag, where Text is not good enough
}

// TrustedIssuer is somebody whose JWTs stand for a user or a client.
type TrustedIssuer struct {
	Issuer   string
	JWKSURI  string
	Subjects string   // "email" or "id": what of our users the sub names
	Scopes   []string // that it can give
	Clients  []string // that may present its JWTs
}

// ClientRegistration says who may register clients (RFC 7591).
type ClientRegistration string

// The kinds of client registration.
const (
	ClientRegistrationOff   ClientRegistration = "off"
	ClientRegistrationToken ClientRegistration = "token" // with an initial access token
	ClientRegistrationOpen  ClientRegistration = "open"
)

// OAuth is what holds for every client.
type OAuth struct {
	RequirePKCE       bool // also of clients with a secret
	RequirePushed     bool // RFC 9126, section 5
	EndpointAudiences bool // client assertions may be for an endpoint (OpenID Connect Core, section 9)
	DPoPNonces        bool // RFC 9449, section 8
	SessionManagement bool // OpenID Connect Session Management
}

// Sessions is how long a browser stays signed in.
type Sessions struct {
	Idle time.Duration // without a visit
	Max  time.Duration // from the sign-in
}

// Fetch is what may be fetched because a client said so.
type Fetch struct {
	Allow []netip.Prefix // addresses that are not public, and are allowed all the same
}

// Brand is how the pages look.
type Brand struct {
	Name  string
	Logo  string // a file, or ""
	Color string // #rrggbb
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
	Drain          time.Duration // how long it goes on at a stop, not ready any more
	Shutdown       time.Duration // what running requests get at a stop
}

// StoreFile is the name of a store in the state folder.
const StoreFile = "signet.db"

// StoreAddress is where the store is.
func (c Config) StoreAddress() address.Address {
	if c.Store.IsZero() {
		return address.File(filepath.Join(c.State, StoreFile))
	}
	return c.Store
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
