// Package status keeps the issuer's Token Status Lists as they are served:
// signed, and signed anew when a bit was set, when another key signs, and when
// time asks for it. The bytes are made once a change, whoever asks.
//
// It never decides what is revoked: package data sets the bits. While the store
// answers it never serves a list that a key signed which signs no more. While it
// does not, the last lists go on, and say that they are old.
package status
