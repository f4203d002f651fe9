// Package hint reads the ID tokens that come back to us as hints: who is to be
// signed in, or out (id_token_hint of OpenID Connect Core, section 3.1.2.1, and
// of RP-Initiated Logout, section 2).
//
// A hint may be long expired, and its key gone from the JWKS: its public half
// is in the ring's record. It gives its bearer nothing that a person did not
// already have, and is never accepted in the place of a token.
package hint
