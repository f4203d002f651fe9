// Package signin knows how a person proves who they are: passwords, the room
// in which they are hashed, and what slows guessing down.
//
// It never tells an unknown person from a wrong password, in words or in work.
// It never holds a transaction open while it hashes, never cuts a password,
// and never writes one, nor an e-mail or an address, to a log or a counter.
// What a person may do once they are signed in is not its business.
package signin
