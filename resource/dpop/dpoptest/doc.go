// Package dpoptest makes DPoP proofs as a client does, good ones and bad ones,
// for the tests of those who verify them. It is never part of a program.
package dpoptest
