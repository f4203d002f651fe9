// Package resource is what a resource server imports to accept the access
// tokens of a Signet issuer. It needs the issuer's public keys and nothing
// else: no secret, no call to the issuer for a request, no database.
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
//	mux.Handle("GET "+resource.MetadataPath, v.Metadata())
//
// and in a handler
//
//	t, _ := resource.FromContext(r.Context())
//	list := postsOf(t.Subject())
//
// # What it does about the network
//
// New returns at once, also while the issuer is down; until the first keys are
// there, requests get 503 with Retry-After. From then on the keys are followed:
// where the issuer can hold a request until its keys change, a revoked key is
// refused within about a second, with the tokens that were accepted under it;
// else when the cache headers say. A token with an unknown key causes one
// fetch, and at most one in a cooldown, whoever sends however many. When the
// issuer goes away, the last keys are used for WithMaxStale, then no token is
// accepted, or with WithFailOpen the last keys stay. Health says which.
//
// # What it accepts
//
// The strict compact form of a JWT access token (RFC 9068), signed with one of
// token.Algs under a key that the issuer publishes for that algorithm, made for
// this audience, and alive: exp is exact unless WithLeeway is given, iat and
// nbf may be WithClockSkew ahead. A token comes in the Authorization header.
//
// It never reads a token from a URL, takes a key or a place of keys from a
// token, follows a redirect, logs a token, or accepts one that it could not
// check.
package resource
