// Package dpop verifies DPoP proofs (RFC 9449), for resource servers and for
// the issuer alike, and makes the nonces that a server may ask for.
//
//	p, err := dpop.Verify(header, dpop.Expect{
//		Method: "GET", URL: "https://api.example/posts", AccessToken: raw,
//		Now: time.Now(), MaxAge: time.Minute, Skew: 30 * time.Second,
//	})
//
// It looks at one proof and knows nothing else: that a request carries just one
// DPoP header, that the token is bound to the proof's key, that the nonce is
// recent and that the proof was not seen before is for the caller, who finds
// what that takes in Proof. It never asks a clock, a store or a network, never
// takes a key from anywhere but the proof's own jwk, and never quotes what a
// stranger sent in an error.
package dpop
