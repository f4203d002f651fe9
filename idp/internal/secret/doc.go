// Package secret finds the text of the master key, and makes the file for it
// when it is told to.
//
// It knows places, not keys: what the text means is for package keys. It never
// logs what it found, never reads a file that others may read or write, and
// never replaces one.
package secret
