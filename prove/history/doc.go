// Package history holds what concurrent clients were told about grants against
// the state machine of a grant, however the answers were lost: it records the
// call and the return of every request, and asks porcupine whether there is an
// order in which a single issuer, doing one request after the other, would have
// given the same answers (linearizability).
//
// Package ledger asks more of a client that does one thing after the other, of
// an issuer that does nothing more once it was killed. Here an issuer may be
// paused, or a line held up: what had no answer may still happen when its client
// has long gone on.
//
// It knows the rules of the issuer (docs/design.md, section 5) and nothing of
// its code.
package history
