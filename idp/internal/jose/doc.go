// Package jose reads the JWTs that others made: client assertions (RFC 7523),
// request objects (RFC 9101), subject tokens and the hints of a log-in or a
// log-out. It also reads the key sets of clients.
//
// What was parsed is an Unverified; only a check of its signature makes a
// Verified of it, so claims that nobody vouches for cannot pass for others by
// mistake. It never fetches, never uses a key that a token brings along (jwk,
// jku, x5u, x5c), never accepts alg none, an encrypted token or a private key,
// and knows no clock: what iss, aud, exp and typ must say is for those who ask.
package jose
