// Package bearer takes the access token that a request to the issuer shows, with
// the proof of its key where it is bound to one, and answers those whose token
// does not work with the challenge of RFC 6750 or RFC 9449.
//
// It never decides what a token may be used for.
package bearer
