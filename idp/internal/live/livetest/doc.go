// Package livetest is the issuer's services on a store in memory, with a person
// and some clients, for the tests of those who are shown access tokens. It makes
// the tokens, good ones and bad ones. It is never part of a program.
package livetest
