// Package token is the vocabulary that the issuer and the resource servers
// share: the names of the claims, the typ values, the algorithms that Signet
// signs with, the strict reading of a compact JWS and the check of its
// signature.
//
// It decides nothing about trust: it finds no keys, knows no clock and
// believes no claim. It never accepts an algorithm without a public key, a
// JSON serialization, or an encoding that has a second spelling.
package token
