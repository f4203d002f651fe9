// Package token is POST /oauth2/token (RFC 6749, section 3.2).
//
// What every grant type needs is done in one place and one order: read the
// form, authenticate the client, see whether it may use the grant type, check
// its DPoP proof, let the grant's own step decide in one transaction, sign,
// answer. A file a grant type holds that step and nothing else, so a new one
// cannot forget who asks, nor hand out a token that is not bound to the
// client's key.
//
// It never authenticates a client by itself, never turns a grant by itself and
// never writes an error: services do the first two, and web does the last.
package token
