// Package registration is the endpoint at which clients register themselves
// (RFC 7591; OpenID Connect Dynamic Client Registration), and the one at which
// each of them reads, changes and removes what it registered (RFC 7592).
//
// It never sets what only the operator may say of a client, never shows a
// secret twice, and never asks a person anything.
package registration
