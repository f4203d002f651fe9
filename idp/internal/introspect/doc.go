// Package introspect is where a client asks about tokens (RFC 7662, RFC 9701)
// and gives them back (RFC 7009).
//
// It never tells one who may not know whether a token exists.
package introspect
