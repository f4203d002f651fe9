// Package optimistic is what the engines on a remote store share, so that they
// behave alike: it makes a kv.Engine of a small Backend. A transaction runs on
// pairs from memory and from the store, takes no lock, and is committed in one
// round trip, which the store refuses if anything that it read is not so any
// more. Then it runs again.
//
// It never acts on a stale read, never repeats a commit whose answer was lost,
// and never splits a transaction.
package optimistic
