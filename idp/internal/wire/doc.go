// Package wire is the protocol's vocabulary: the error values of OAuth and of
// the JSON API, the answer that a protocol failure becomes, and the one strict
// reader of JSON bodies.
//
// It is a leaf. It never decides anything, never looks at a store, and imports
// nothing of Signet.
package wire
