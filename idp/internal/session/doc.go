// Package session keeps browsers signed in: a rotating cookie, a record in the
// store, one or several accounts in it. It also binds forms and requests to
// the browser that was shown them.
//
// The cookie holds a name, under whose hash the record lies, and a secret, of
// which the record has the hash. A sign-in makes a new name and a new secret.
// In between the secret turns as a refresh token does: what is presented
// decides.
//
//	the present one, young        nothing is written
//	the present one, old          a successor takes its place
//	the one before, in the grace  the same successor, computed again, for
//	                              requests that were under way
//	the one before, later         another successor: the answer with the first
//	                              one was lost. Not once that was used
//	anything else                 the cookie was copied: the session ends
//
// So a browser never loses its session by a lost answer; a thief and an owner
// who both go on cannot both avoid showing a secret that is spent.
//
// This package never checks a password, and never decides what a client gets.
package session
