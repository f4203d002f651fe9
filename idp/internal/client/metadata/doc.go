// Package metadata holds the rules for what clients say of themselves,
// whoever brings it: the configuration, a command, a registration or a
// document. The names are those of RFC 7591, section 2, and OpenID Connect
// Registration, section 2.
//
// It fetches nothing, stores nothing and knows no client; what has to be
// fetched to be believed is for package client.
package metadata
