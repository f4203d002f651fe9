// Package resourcetest helps to test an API that package resource guards: an
// issuer in the test's own process, the tokens that the test needs, good ones
// and bad ones, and checks that every route is guarded.
//
//	func TestPosts(t *testing.T) {
//		issuer := resourcetest.NewIssuer(t, "api")
//		h := newServer(issuer.Verifier(t)) // yours
//
//		r := httptest.NewRequest("GET", "/posts", nil)
//		resourcetest.Authorize(r, issuer.Token(resourcetest.Subject("ada"), resourcetest.Roles("admin")))
//		w := httptest.NewRecorder()
//		h.ServeHTTP(w, r)
//		// ...
//	}
//
// Nothing is mocked: the verifier is that of resource.New, and it finds the keys
// and the status list, follows them and checks signatures as it does in
// production.
//
// # Is every route guarded?
//
//	resourcetest.Refuses(t, h, issuer, "GET /posts", "POST /posts", "DELETE /posts/1")
//	resourcetest.Needs(t, h, issuer, resourcetest.Scope("posts"), "POST /posts")
//	resourcetest.Needs(t, h, issuer, resourcetest.Roles("admin"), "DELETE /posts/1")
//
// Refuses sends each route every bad token there is: expired, for another
// audience, changed, with alg none, and so on. It finds the route that was
// registered without its middleware, and the audience that was misspelt. Needs
// finds the one whose scope or role was forgotten. Both take any http.Handler,
// so an Echo too. Where the API is not HTTP, range over [Issuer.Bad].
//
// # A program that makes its own verifier
//
// An issuer of NewIssuer listens on loopback: give [Issuer.URL] to the settings
// of the program under test. What is said below of waiting is then not for its
// verifier, which the issuer does not know; it sees a change a moment later, as
// it would in production.
//
// # Tokens that are revoked, keys that change, issuers that fall silent
//
// Revoke, Rotate, RevokeKey, Down and Up return when every verifier of
// [Issuer.Verifier] has seen what happened, so that the next line of a test may
// rely on it. There is nothing to poll and nowhere to sleep.
//
//	issuer.Revoke(raw)
//	_, err := v.Verify(ctx, raw) // is resource.ErrRevoked
//
// In real time that takes milliseconds, or a quarter of a second where one
// change follows another: a verifier does not ask faster.
//
// # Time
//
// A test that lets time pass makes its issuer with [NewIssuerAt] in a bubble of
// testing/synctest: it is on no network, so the time of the bubble goes on. A
// program with a clock of its own shares it by [Issuer.SetNow].
//
// # Tokens that are bound to a key
//
// The client's key comes from dpoptest.NewKey; [BoundTo] binds a token to it,
// and [AuthorizeBound] sends both with a proof.
//
// # Several issuers
//
// Each NewIssuer is one of its own, with keys that no other has. Two of them
// show that one's tokens do not open what is the other's.
//
// This package is for tests and never part of a program: the keys are made for
// one test and protect nothing. It judges nothing itself, which is for package
// resource, and reaches no network but loopback.
package resourcetest
