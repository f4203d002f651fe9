package resource

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signet/resource/dpop"
	"signet/resource/token"
)

// Option changes how a Verifier works.
type Option func(*options)

type options struct {
	audiences []string
	algs      []token.Alg
	resource  string
	about     Metadata
	keys      KeySource
	client    *http.Client
	logger    *slog.Logger
	now       func() time.Time
	metrics   Metrics

	skew, leeway, maxStale, cooldown, wait time.Duration
	statusMaxStale                         time.Duration
	failOpen, insecure                     bool
	cacheBytes                             int

	public     string
	bound      bool // every token must be
	proofAlgs  []string
	proofAge   time.Duration
	nonceKey   []byte
	replays    Replays
	replayRoom int
}

func defaults() options {
	return options{
		algs:       token.Algs(),
		logger:     slog.Default(),
		now:        time.Now,
		metrics:    noMetrics{},
		skew:       30 * time.Second,
		maxStale:   time.Hour,
		cooldown:   10 * time.Second,
		wait:       25 * time.Second,
		cacheBytes: 16 << 20,

		statusMaxStale: time.Hour,

		proofAlgs:  dpop.Algs(),
		proofAge:   time.Minute,
		replayRoom: 1 << 18,
	}
}

// WithAudiences accepts tokens for these audiences too.
func WithAudiences(more ...string) Option {
	return func(o *options) { o.audiences = append(o.audiences, more...) }
}

// WithAlgs accepts only these algorithms, of those in token.Algs.
func WithAlgs(algs ...token.Alg) Option { return func(o *options) { o.algs = algs } }

// WithResource names the resource server by its URL (RFC 9728 section 1.2).
// Then Metadata describes it, a refused request is told where to read that, and
// DPoP-bound tokens are taken, with proofs for URLs of its scheme and host.
func WithResource(url string) Option { return func(o *options) { o.resource = url } }

// WithMetadata adds to what Metadata says of the resource server. It needs
// WithResource.
func WithMetadata(m Metadata) Option { return func(o *options) { o.about = m } }

// WithKeys takes the keys from source and asks the network for nothing, for no
// status list either: a revoked token is then good until its exp, unless source
// takes its key back. The issuer checks its own tokens so.
func WithKeys(source KeySource) Option { return func(o *options) { o.keys = source } }

// WithPublicURL is what clients put before the paths of the requests that
// arrive here, where that is not the scheme and host of WithResource: a proxy
// may take a part of the path away. DPoP proofs are held against it. A Host
// header is never believed for that: whoever was sent a token and a proof for
// another server's URL could choose it to match.
func WithPublicURL(base string) Option { return func(o *options) { o.public = base } }

// WithDPoPRequired refuses bearer tokens: every token must be bound to a key
// and come with a proof. Verify then accepts nothing.
func WithDPoPRequired() Option { return func(o *options) { o.bound = true } }

// WithDPoPAlgs accepts only these algorithms for proofs, of those in
// dpop.Algs.
func WithDPoPAlgs(algs ...string) Option { return func(o *options) { o.proofAlgs = algs } }

// WithDPoPNonces asks clients for a nonce of this server in every proof (RFC
// 9449 section 9), so that no proof can be made long before it is used. The key
// has 32 random bytes; nodes behind one URL share it, and nobody else has it.
func WithDPoPNonces(key []byte) Option { return func(o *options) { o.nonceKey = key } }

// WithProofAge is how long after its iat a DPoP proof is good. It may also be
// ahead by the clock skew. The default is one minute.
func WithProofAge(d time.Duration) Option { return func(o *options) { o.proofAge = d } }

// WithReplays remembers proofs in r, so that nodes behind one URL know what the
// others have seen. Without it each node knows its own.
func WithReplays(r Replays) Option { return func(o *options) { o.replays = r } }

// WithReplayRoom is how many proofs this node remembers in about the time that
// one is good, where WithReplays is not given. When there are more, requests
// with proofs get ErrUnavailable; to forget a proof would let it be replayed.
// The default is 262144, which takes up to 20 MiB.
func WithReplayRoom(proofs int) Option { return func(o *options) { o.replayRoom = proofs } }

// WithHTTPClient fetches through client. Redirects are refused and no cookie
// is kept, whatever client would do; its Timeout is for ordinary requests, not
// for those that wait.
func WithHTTPClient(client *http.Client) Option { return func(o *options) { o.client = client } }

// WithLogger tells about outages, recoveries and unusable keys. No token is
// ever logged.
func WithLogger(logger *slog.Logger) Option { return func(o *options) { o.logger = logger } }

// WithNow asks now for the time, in place of time.Now.
func WithNow(now func() time.Time) Option { return func(o *options) { o.now = now } }

// WithClockSkew is how far the issuer's clock may be ahead: a token whose iat
// or nbf is later than that from now is refused, and so is a DPoP proof of a
// client. The default is 30 seconds.
func WithClockSkew(skew time.Duration) Option { return func(o *options) { o.skew = skew } }

// WithLeeway accepts a token for that long after its exp, and a sign-in for
// that long after a Requirement's MaxAge. The default is 0: a token ends when
// it says so.
func WithLeeway(leeway time.Duration) Option { return func(o *options) { o.leeway = leeway } }

// WithMaxStale is how long keys are used without a word from the issuer, from
// when the last word was asked for. It is also how long someone who cuts the
// line, or holds answers back, can keep a revoked key alive. The default is one
// hour.
func WithMaxStale(d time.Duration) Option { return func(o *options) { o.maxStale = d } }

// WithStatusMaxStale is the same for status lists: how long one is used without
// a word from its issuer, beyond its own ttl and exp, and someone who cuts the
// line can keep a revoked token alive. The default is one hour.
func WithStatusMaxStale(d time.Duration) Option { return func(o *options) { o.statusMaxStale = d } }

// WithFailOpen goes on with the last known keys after WithMaxStale, and with
// the last known status lists after WithStatusMaxStale; without it their tokens
// are then refused with ErrUnavailable. A token whose list could never be
// fetched is accepted too. Keys that were never there are never made up.
func WithFailOpen() Option { return func(o *options) { o.failOpen = true } }

// WithCooldown is the least time between two fetches that tokens with unknown
// keys can cause, failed ones included, and those with one unknown status list. The default is 10 seconds.
func WithCooldown(d time.Duration) Option { return func(o *options) { o.cooldown = d } }

// WithLongPoll asks the issuer to hold a request up to wait, in whole seconds,
// until its keys, or a status list, change. 0 asks for nothing, and only the cache headers are
// followed. The default is 25 seconds, which the usual proxies let pass.
func WithLongPoll(wait time.Duration) Option { return func(o *options) { o.wait = wait } }

// WithCacheBytes bounds the memory that verified tokens are remembered in. 0
// remembers none. The default is 16 MiB.
func WithCacheBytes(n int) Option { return func(o *options) { o.cacheBytes = n } }

// WithInsecureHTTP allows plain http to an issuer that is not loopback. Who
// can change what the network carries can then make tokens.
func WithInsecureHTTP() Option { return func(o *options) { o.insecure = true } }

func (o *options) check() error {
	for _, aud := range o.audiences {
		if aud == "" {
			return errors.New("resource: an audience is empty")
		}
	}
	if len(o.algs) == 0 {
		return errors.New("resource: no algorithm is allowed")
	}
	for _, alg := range o.algs {
		if !alg.Known() {
			return fmt.Errorf("resource: the algorithm %q is not supported", alg)
		}
	}
	for _, alg := range o.proofAlgs {
		if !dpop.Known(alg) {
			return fmt.Errorf("resource: the algorithm %q is not supported for proofs", alg)
		}
	}
	if len(o.proofAlgs) == 0 || o.proofAge < time.Second || o.replayRoom < 1 {
		return errors.New("resource: proofs need an algorithm, an age of a second at least, and room for one")
	}
	if o.skew < 0 || o.leeway < 0 || o.wait < 0 || o.cacheBytes < 0 {
		return errors.New("resource: clock skew, leeway, long poll and cache size must not be negative")
	}
	if o.maxStale < time.Second || o.statusMaxStale < time.Second || o.cooldown < time.Millisecond {
		return errors.New("resource: max stale must be at least a second, and the cooldown a millisecond")
	}
	if o.now == nil || o.logger == nil || o.metrics == nil {
		return errors.New("resource: the clock, the logger and the metrics must not be nil")
	}
	// While a request waits nothing is heard of the issuer; that silence must
	// not look like an outage.
	o.wait = min(o.wait, o.maxStale/3).Truncate(time.Second)
	return nil
}

// checkURL accepts https everywhere, and http where insecure allows it or the
// host is loopback.
func checkURL(raw string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("neither https nor http")
	case u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("no host")
	case u.User != nil:
		return nil, errors.New("a URL with a user")
	case strings.Contains(raw, "#"):
		return nil, errors.New("a URL with a fragment")
	case u.Scheme == "http" && !insecure && !loopback(u.Hostname()):
		return nil, errors.New("plain http to a host that is not loopback")
	}
	return u, nil
}

// checkIdentifier is checkURL for the names of issuers and resources, which
// have no query (RFC 8414 section 2, RFC 9728 section 1.2).
func checkIdentifier(raw string, insecure bool) (*url.URL, error) {
	u, err := checkURL(raw, insecure)
	if err == nil && strings.Contains(raw, "?") {
		return nil, errors.New("a URL with a query")
	}
	return u, err
}

// wellKnown puts a well-known name between the host and the path of an
// identifier (RFC 8414 section 3.1, RFC 9728 section 3.1).
func wellKnown(id *url.URL, name string) string {
	return id.Scheme + "://" + id.Host + "/.well-known/" + name + strings.TrimSuffix(id.EscapedPath(), "/")
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
