// Package resource is what a resource server imports to accept the access
// tokens of a Signet issuer. It needs what the issuer publishes, its public keys
// and its status lists, and nothing else: no secret, no call to the issuer for
// a request, no database.
//
//	v, err := resource.New("https://id.example", "api",
//		resource.WithResource("https://api.example"))
//	if err != nil {
//		return err // one of the arguments is wrong
//	}
//	defer v.Close()
//
//	mux.Handle("GET /posts", v.Middleware(posts))
//	mux.Handle("GET /admin", v.RequireRole("admin")(admin))
//	mux.Handle(v.MetadataPath(), v.Metadata())
//
// and in a handler
//
//	t, _ := resource.FromContext(r.Context())
//	list := postsOf(t.Subject())
//
// # Issuer and audience
//
// The issuer is the URL that it calls itself by, as it stands in its metadata
// and in every token: https, with or without a path, compared byte by byte. On
// plain http only a loopback address is taken, for development.
//
// The audience is what the tokens for this server are made for. A token for
// another audience is refused, which is what keeps a server that was sent a
// token from using it elsewhere: give each API that trusts itself alone an
// audience of its own. WithAudiences is for one server behind several names.
//
// WithResource tells the server its own URL. Then Metadata describes it
// (RFC 9728), refusals say where that is, and DPoP-bound tokens are taken.
//
// NewIssuers joins the Verifiers of several issuers into one Issuers, which is
// used like a Verifier. Whatever is kept for a person then belongs under
// Token.Issuer and Token.Subject together.
//
// # Middleware
//
// For net/http it is Middleware, or one of the methods called Require; for Echo
// there is package echoauth, and for gRPC package grpcauth. They take a Guard,
// which both a Verifier and Issuers are. For other frameworks, Admit is a
// middleware but for its shape. Middlewares may stand inside each other: a
// request is verified once, and none takes the word of another issuer's.
//
// Verify is for a token that came by other means than a request, and
// VerifyRequest for those who answer errors in their own way.
//
// # Requirements
//
// A good token says who asks. What they may do is a Requirement: scopes (what
// the person lets the client do), roles (what the person may do), and how
// strongly and how recently the person authenticated.
//
//	v.Require(resource.Requirement{
//		Scopes: []string{"transfer"},
//		ACR:    []string{"gold", "silver"},
//		MaxAge: 5 * time.Minute,
//	})
//
// A token that lacks a scope or a role is answered with 403. A sign-in that
// does not suffice is answered with 401 and a challenge that says what would
// (RFC 9470); a client sends its person to the authorization endpoint with the
// acr_values and max_age of the challenge, and comes back with a new token. A
// MaxAge should leave time for that. What an acr means, its issuer says: Signet
// gives "1" to whoever signed in on its pages, and knows no other, so there
// MaxAge is what a route can ask for. Check is for handlers that learn late
// what they need.
//
// # Errors
//
// Every reason to refuse a token is an error of its own and wraps
// ErrInvalidToken. A few others say nothing about the token: ErrNoToken,
// ErrRequest, and ErrUnavailable when there is nothing to judge by.
// *InsufficientError and *StepUpError say what a good token lacks. WriteError
// answers all of them as RFC 6750, RFC 9449 and RFC 9470 want; Refuse says the
// same for other protocols. What a client is told never repeats what it sent.
//
// Package resourcetest is an issuer for the tests of what is guarded so.
//
// # What it does about the network
//
// New returns at once, also while the issuer is down; until the first keys are
// there, requests get 503 with Retry-After. From then on the keys are followed:
// the issuer is asked to hold a request until its keys change, and else asked
// again when its cache headers say. A token with an unknown key causes one
// fetch, as does one without a kid that the only key known did not sign or that
// several might have; and at most one in a cooldown, whoever sends however many.
//
// # In an outage
//
// When the issuer goes away, its last keys are used for WithMaxStale; a token
// whose key is not among them gets 503, since the key may be new. Then no token
// is accepted, and every request gets 503, or with WithFailOpen the last keys
// stay. Status lists have the same in WithStatusMaxStale. A longer time is a
// longer life for a revoked key or token, if somebody cuts the line. When the
// issuer is back it is found within seconds, and nothing has to be restarted.
//
// # Revocation
//
// Where the issuer can hold a request until its keys change, a revoked key is
// refused within about a second, with the tokens that were accepted under it.
//
// A token may name its place in a list where its issuer marks what it takes
// back (Token Status List, draft-ietf-oauth-status-list). The first token that
// does, and whose signature is good, makes the Verifier follow that list like
// the keys, by one request at a time for all its tokens, and with it the lists
// that the issuer announces, so that the next one is there before a token names
// it. From then on to ask about a token is to look at one bit in memory. A
// revoked token is ErrRevoked as soon as its list is heard, which is at once
// where the issuer can hold a request, also if it was verified before.
//
// A list comes from a URL below the issuer's own, signed by one of the issuer's
// published keys, and what it marked once stays marked. Where the issuer's
// metadata names its lists (status_list_aggregation_endpoint), a token that
// names none is ErrStatus, as is one whose list the issuer does not know; so
// when an issuer begins to have lists, tokens from before are refused within an
// hour. When a list cannot be fetched, what it said last is used for
// WithStatusMaxStale; then, and when it was never there, its tokens get
// ErrUnavailable, or with WithFailOpen pass. At most 64 lists are kept, of at
// most 1 MiB each.
//
// # Health, metrics, memory
//
// Health says which of these states the Verifier is in, and Ready is what a
// load balancer's probe asks. A problem that begins or ends is logged once; no
// token ever is.
//
// WithMetrics counts what becomes of tokens and of requests to the issuer. With
// Prometheus, say:
//
//	type metrics struct {
//		tokens  *prometheus.CounterVec   // by "outcome"
//		fetches *prometheus.HistogramVec // by "document", "waited" and "failed"
//	}
//
//	func (m metrics) Verified(o resource.Outcome) {
//		m.tokens.WithLabelValues(string(o)).Inc()
//	}
//
//	func (m metrics) Fetched(f resource.Fetch) {
//		m.fetches.WithLabelValues(string(f.Document), strconv.FormatBool(f.Waited),
//			strconv.FormatBool(f.Failed)).Observe(f.Took.Seconds())
//	}
//
// A token that was verified is remembered by its hash, so that the next request
// with it costs no signature. Its lifetime, its key and its status are checked
// each time.
// WithCacheBytes bounds that memory, and WithReplayRoom that of proofs.
//
// # What it accepts
//
// The strict compact form of a JWT access token (RFC 9068), signed with one of
// token.Algs under the key that its kid names, or where it has none under the
// only one that the issuer publishes for that algorithm, made for this audience,
// without a control character in a name, and alive: exp is exact unless
// WithLeeway is given, iat and nbf may be WithClockSkew ahead. A token comes in
// the Authorization header.
//
// A token that is bound to a key (RFC 9449) comes by the DPoP scheme, with a
// proof in a DPoP header: for this token, this method and this URL, made a
// moment ago, and used once. Proofs are taken where WithResource or
// WithPublicURL says what this server's URLs begin with. As a bearer token a
// bound one is refused, always, and so is one that is bound in a way that is
// not understood.
//
// It never reads a token from a URL, takes a key or a place of keys from a
// token, believes a Host or Forwarded header, follows a redirect, logs a
// token, or accepts one that it could not check.
package resource
