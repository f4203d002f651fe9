// Package control is how the command asks for what only the owner of an issuer
// may: every operation on keys, users, clients, invitations and backups is
// here once, behind HTTP with JSON. A running issuer serves it on a Unix socket
// in its state folder; where none runs, the command serves it to itself over a
// connection in memory, so both ways do the same by construction.
//
// It never answers anyone but its own user and root, and never the network. A
// secret passes through it only where that is what was asked for.
package control
