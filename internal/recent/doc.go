// Package recent remembers what was worked out a moment ago, in bounded memory:
// tokens whose signatures were verified, by their hashes.
//
// It never says that what it remembers still holds: whoever asks finds that
// out, at every use.
package recent
