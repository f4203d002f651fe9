// Package dpop is the issuer's side of DPoP (RFC 9449): it finds the proof of a
// request, asks for the issuer's nonce, and lets a proof work once on all
// nodes.
//
// It never decides whether a client needs a proof, never compares the proof's
// key with the one that a token, a code or a request is bound to, and keeps
// nothing of its own: nonces carry a MAC, and proofs are remembered in the
// store.
package dpop
