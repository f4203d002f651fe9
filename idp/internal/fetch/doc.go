// Package fetch asks for what a client named: its key set, a request object, a
// sector identifier's list, its metadata document, and it carries log-outs to
// it. Nothing else of the issuer opens a connection because a stranger said so.
//
// Whoever can name a URL would like us to reach what only we can reach, so the
// address is checked after the name was resolved, where the connection is made.
// It never goes through a proxy, never follows a redirect, never sends a cookie
// or a credential, never reads more than it must or waits longer, and never
// says in an error or a log what the answer or the query of a URL held. What a
// document means is for those who asked for it.
package fetch
