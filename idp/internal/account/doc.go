// Package account is the first-party JSON API: register, login, refresh,
// logout, me, and the variant for browsers, which keeps the refresh token in a
// cookie.
//
// Every endpoint goes one way: parse, authenticate, one transaction, sign,
// answer. It never hashes, never decides about a grant and never writes an
// error: services do the first two, and web does the last.
package account
