// Package ledger holds what clients were told against what an issuer does.
//
// It keeps, for each person, every world that is possible: a request without
// an answer may or may not have happened, so it leaves two; every answer
// strikes out the worlds in which it could not have been given. When no world
// is left, the issuer broke a promise. The same account of the past can be read
// as of an earlier moment, to judge what a power cut at that moment left.
//
// It knows the rules of the issuer and nothing of its code.
package ledger
