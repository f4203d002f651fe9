package config

import (
	"strings"
	"time"

	"signet/resource/token"
)

// setting is one row: everything that is known of one key.
type setting struct {
	key   string // its path in the file
	def   string // its default, written as in the environment
	value value  // its kind, its check, and where it goes
	help  string // one line, for people who are tired
}

// env is the name that overrides the setting.
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

const day = 24 * time.Hour

// maxBurst keeps a burst times the longest "every" within a time.Duration.
const maxBurst = 100_000

// settings is the table of all settings, bound to the fields of c. Checks
// here look at one value; those that compare settings are in check.go.
func settings(c *Config) []setting {
	return []setting{
		{"listen", "localhost:4000", one(text, &c.Listen, hostPort),
			"where the issuer listens, as host:port; \":4000\" is every address of the machine"},
		{"issuer", "http://localhost:4000", one(text, &c.Issuer, issuerURL),
			"the URL by which everyone knows this issuer; it is in every token, so choose it once"},
		{"insecure_issuer", "false", one(boolean, &c.InsecureIssuer),
			"true allows a plain-http issuer on another host than this machine; passwords then travel in the clear"},
		{"state", "var", one(text, &c.State, notEmpty),
			"the folder of what the issuer keeps on this machine: control socket and, unless they lie elsewhere, store and master key"},
		{"store", "", one(storeAddress, &c.Store),
			"where users, grants and keys are kept: bolt:PATH, etcd://host,host/prefix or postgres://user@host/database; empty: signet.db in the state folder"},
		{"tls.cert", "", one(text, &c.TLS.Cert),
			"the certificate chain to serve TLS with (PEM); empty where a proxy in front does it"},
		{"tls.key", "", one(text, &c.TLS.Key),
			"the private key of the certificate (PEM)"},
		{"trusted_proxies", "", many(prefix, &c.TrustedProxies),
			"the addresses or networks whose X-Forwarded-For is believed; none unless a proxy is yours"},
		{"master_key_file", "", one(text, &c.MasterKeyFile),
			"the key that seals all secrets in the store; empty: SIGNET_MASTER_KEY, a systemd credential, or made in the state folder"},
		{"audiences", "api", listOf("audience", &c.Audiences, audienceSettings, func(name string) (Audience, error) { return Audience{Name: name}, audienceName(name) }),
			"the resource servers that tokens are for, the default first; each has a name and may have its own alg and access_ttl"},

		{"keys.algs", "ES256, RS256", many(choice(token.Algs()...), &c.Keys.Algs),
			"the algorithms to keep keys for; the first signs unless an audience says otherwise"},
		{"keys.rsa_bits", "2048", one(integer, &c.Keys.RSABits, among(2048, 3072, 4096)),
			"the size of new RSA keys: 2048, 3072 or 4096"},
		{"keys.rotate_every", "30d", one(duration, &c.Keys.RotateEvery, atLeast(time.Second)),
			"how long a key signs before the next takes over"},
		{"keys.publish_ahead", "10m", one(duration, &c.Keys.PublishAhead, atLeast(time.Second)),
			"how long a key is published before it may sign; caches of the JWKS live shorter than this"},
		{"keys.lease", "30s", one(duration, &c.Keys.Lease, atLeast(time.Second)),
			"how long a node may sign without having seen the store"},
		{"keys.skew", "30s", one(duration, &c.Keys.Skew, within(0, time.Hour)),
			"how far the clocks of nodes and verifiers may be apart"},

		{"tokens.access_ttl", "10m", one(duration, &c.Tokens.AccessTTL, within(time.Second, day), wholeSeconds),
			"how long an access token lives"},
		{"tokens.refresh_ttl", "30d", one(duration, &c.Tokens.RefreshTTL, atLeast(time.Second)),
			"how long one stays signed in without coming back"},
		{"tokens.refresh_max", "365d", one(duration, &c.Tokens.RefreshMax, atLeast(time.Second)),
			"how long one stays signed in at most, from the login"},
		{"tokens.refresh_grace", "30s", one(duration, &c.Tokens.RefreshGrace, within(0, time.Hour)),
			"how long a spent refresh token gets the same answer again, for those whose network lost it"},
		{"tokens.refresh_late", "fork", one(choice(LateFork, LateRevoke), &c.Tokens.RefreshLate),
			"what a spent refresh token gets after that: fork forgives a lost answer, revoke signs the person out"},

		{"tokens.id_ttl", "10m", one(duration, &c.Tokens.IDTTL, within(time.Second, day), wholeSeconds),
			"how long an ID token lives"},
		{"tokens.code_ttl", "1m", one(duration, &c.Tokens.CodeTTL, within(time.Second, 10*time.Minute)),
			"how long a client has to redeem an authorization code"},
		{"tokens.device_ttl", "10m", one(duration, &c.Tokens.DeviceTTL, within(time.Minute, day), wholeSeconds),
			"how long a person has to type a device's code"},
		{"tokens.request_ttl", "30m", one(duration, &c.Tokens.RequestTTL, within(time.Minute, day)),
			"how long a person has to sign in before the client has to ask again"},
		{"tokens.pushed_ttl", "90s", one(duration, &c.Tokens.PushedTTL, within(5*time.Second, 10*time.Minute), wholeSeconds),
			"how long a client has to send the browser along with a pushed request"},

		{"registration", "open", one(choice(RegistrationOpen, RegistrationClosed, RegistrationInvitation), &c.Registration),
			"who may register: open, closed, or by invitation"},
		{"passwords.bcrypt_cost", "12", one(integer, &c.Passwords.BcryptCost, within(10, 15)),
			"the work of one password check; each step doubles it, and a new value reaches people at their next login"},
		{"passwords.min_length", "8", one(integer, &c.Passwords.MinLength, within(8, 64)),
			"the shortest password, in characters"},
		{"passwords.hashing_workers", "0", one(integer, &c.Passwords.HashingWorkers, within(0, 1024)),
			"how many passwords are hashed at once; 0 is half of the processors"},
		{"passwords.hashing_wait", "2s", one(duration, &c.Passwords.HashingWait, within(0, time.Minute)),
			"how long a login waits for a free worker before it is told to come back"},

		{"throttle.free", "5", one(integer, &c.Throttle.Free, within(1, 1000)),
			"how many wrong passwords an account gets before it slows down"},
		{"throttle.delay", "1s", one(duration, &c.Throttle.Delay, within(time.Millisecond, time.Hour)),
			"the first delay; every further wrong password doubles it"},
		{"throttle.delay_max", "15m", one(duration, &c.Throttle.DelayMax, within(time.Millisecond, day)),
			"the longest delay for one account from one network (/24 or /56)"},
		{"throttle.account_delay_max", "30s", one(duration, &c.Throttle.AccountDelayMax, within(time.Millisecond, time.Minute)),
			"the longest delay for one account from everywhere together; short, so that a stranger locks nobody out"},
		{"throttle.network_burst", "100", one(integer, &c.Throttle.NetworkBurst, within(1, maxBurst)),
			"how many wrong passwords one network may send at once, whatever the accounts"},
		{"throttle.network_every", "2s", one(duration, &c.Throttle.NetworkEvery, within(time.Millisecond, day)),
			"how often a network earns one more"},
		{"throttle.register_burst", "50", one(integer, &c.Throttle.RegisterBurst, within(1, maxBurst)),
			"how many people, and how many clients, one network may register at once"},
		{"throttle.register_every", "30s", one(duration, &c.Throttle.RegisterEvery, within(time.Millisecond, day)),
			"how often a network earns one more"},
		{"throttle.request_burst", "1000", one(integer, &c.Throttle.RequestBurst, within(1, maxBurst)),
			"how many sign-ins, and how many device codes, one network may begin at once at one issuer; a long request counts as several"},
		{"throttle.request_every", "100ms", one(duration, &c.Throttle.RequestEvery, within(time.Millisecond, day)),
			"how often a network earns one more"},
		{"throttle.known_for", "90d", one(duration, &c.Throttle.KnownFor, within(0, 400*day)),
			"how long a browser that signed in skips the delay of its account as a whole"},
		{"throttle.counters", "100000", one(integer, &c.Throttle.Counters, within(1000, 10_000_000)),
			"how many counters of each kind are kept: in memory, or in a store that issuers share"},

		{"browser.origins", "", many(text, &c.Browser.Origins, originForm),
			"the origins whose pages may sign people in, such as https://app.example.com; same-site with the issuer"},

		{"clients", "", listOf("client", &c.Clients, clientSettings, nil),
			"the programs that sign people in, or use an API for themselves; idp clients add makes further ones"},
		{"scopes", "", listOf("scope", &c.Scopes, scopeSettings, func(name string) (Scope, error) { return Scope{Name: name}, scopeName(name) }),
			"the permissions of your own APIs, beside openid, profile, email, address, phone and offline_access"},
		{"trusted_issuers", "", listOf("issuer", &c.TrustedIssuers, trustedIssuerSettings, nil),
			"those whose JWTs a client can exchange for an access token (RFC 7523, section 2.1)"},
		{"client_registration", "off", one(choice(ClientRegistrationOff, ClientRegistrationToken, ClientRegistrationOpen), &c.ClientRegistration),
			"who may register clients by RFC 7591: nobody (off), whoever has an initial token (token), or everybody (open)"},
		{"client_documents", "", many(text, &c.ClientDocuments, documentHost),
			"the hosts whose client metadata documents are accepted as clients that nobody registered; \"*\" is every host"},
		{"oauth.require_pkce", "false", one(boolean, &c.OAuth.RequirePKCE),
			"true asks PKCE of clients with a secret too; public clients always need it"},
		{"oauth.require_pushed", "false", one(boolean, &c.OAuth.RequirePushed),
			"true takes pushed authorization requests only (RFC 9126)"},
		{"oauth.endpoint_audiences", "false", one(boolean, &c.OAuth.EndpointAudiences),
			"true takes client assertions whose aud is the token endpoint, as older clients make them, from every client, and not only from those that registered themselves"},
		{"oauth.dpop_nonces", "true", one(boolean, &c.OAuth.DPoPNonces),
			"whether DPoP proofs need a nonce of this issuer (RFC 9449, section 8)"},
		{"oauth.session_management", "false", one(boolean, &c.OAuth.SessionManagement),
			"true serves the iframe of OpenID Connect Session Management; few browsers let it work"},
		{"sessions.idle", "14d", one(duration, &c.Sessions.Idle, within(time.Minute, 400*day)),
			"how long a browser stays signed in without a visit"},
		{"sessions.max", "90d", one(duration, &c.Sessions.Max, within(time.Minute, 400*day)),
			"how long a browser stays signed in at most"},
		{"fetch.allow", "", many(prefix, &c.Fetch.Allow),
			"networks that are not public and may be fetched from when a client says so, with any port and plain http; for development and intranets"},
		{"brand.name", "Signet", one(text, &c.Brand.Name, notEmpty),
			"the name on the pages"},
		{"brand.logo", "", one(text, &c.Brand.Logo),
			"a file with the logo on the pages (SVG, PNG or WebP); empty shows the name alone"},
		{"brand.color", "#3b5bdb", one(text, &c.Brand.Color, hexColor),
			"the colour of buttons and links on the pages, as #rrggbb"},
		{"log.level", "info", one(choice("debug", "info", "warn", "error"), &c.Log.Level),
			"the least that is logged: debug, info, warn or error"},
		{"log.format", "text", one(choice("text", "json"), &c.Log.Format),
			"text for people, json for programs"},

		{"limits.body", "64KiB", one(size, &c.Limits.Body, within(1<<10, 16<<20)),
			"the largest body of a request"},
		{"limits.header", "16KiB", one(size, &c.Limits.Header, within(4<<10, 1<<20)),
			"the largest header of a request"},
		{"limits.header_timeout", "10s", one(duration, &c.Limits.HeaderTimeout, within(time.Second, time.Hour)),
			"how long a client may take to send its header"},
		{"limits.request_timeout", "30s", one(duration, &c.Limits.RequestTimeout, within(time.Second, time.Hour)),
			"how long a request may take in all; a long poll has its own time"},
		{"limits.idle_timeout", "2m", one(duration, &c.Limits.IdleTimeout, within(time.Second, day)),
			"how long an idle connection is kept"},
		{"limits.long_poll", "60s", one(duration, &c.Limits.LongPoll, within(time.Second, time.Hour)),
			"the longest wait of a long poll of the JWKS or a status list"},
		{"limits.long_polls", "10000", one(integer, &c.Limits.LongPolls, atLeast(1)),
			"how many long polls may wait at once; each takes about 25 KB of memory"},
		{"limits.long_polls_each", "100", one(integer, &c.Limits.LongPollsEach, atLeast(1)),
			"how many of them from one address (of IPv6, one /56)"},
		{"limits.drain", "0", one(duration, &c.Limits.Drain, within(0, time.Hour)),
			"how long the issuer goes on when it is told to stop, while /readyz says so: longer than the load balancer takes to see it"},
		{"limits.shutdown", "10s", one(duration, &c.Limits.Shutdown, within(0, time.Hour)),
			"how long running requests may go on when the issuer stops"},
	}
}

// Setting describes a setting to people, for the reference in docs.
type Setting struct {
	Key, Env, Kind, Default, Help string

	Of    string    `json:",omitempty"` // what an item of a list of mappings is
	Items []Setting `json:",omitempty"` // and the keys that it has
}

// Settings lists every setting, in the order of the file.
func Settings() []Setting {
	var c Config
	return described(settings(&c))
}

func described(table []setting) []Setting {
	var list []Setting
	for _, s := range table {
		d := Setting{Key: s.key, Env: s.env(), Kind: s.value.kind(), Default: s.def, Help: s.help}
		if l, ok := s.value.(itemList); ok {
			d.Of = l.noun()
			d.Items = described(l.table())
			for i := range d.Items {
				d.Items[i].Env = ""
			}
			if !l.bare() {
				d.Env = ""
			}
		}
		list = append(list, d)
	}
	return list
}
