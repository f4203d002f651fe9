// Package keys keeps the issuer's secrets that sign: the key ring, whose
// public halves are the JWKS, and the MAC keys of refresh tokens.
//
// Each is one sealed record in the store, changed only by compare-and-swap,
// so that any node may rotate and exactly one wins. The rules are pure
// functions from a record and a moment to the next record; the ring runs
// them and serves immutable snapshots. See docs/design.md, section 4.
//
// It never imports the store, never hands out a private half, never signs
// past its lease, and never lets a key sign before every verifier that obeys
// the cache headers holds it, unless it is told to.
package keys
