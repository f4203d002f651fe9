// Package mint turns checked claims into signed tokens. Everything that Signet
// signs for others is signed through here: only a Checked can be signed, and
// only mint makes one.
//
// It never authenticates anybody and never reads the store.
package mint
