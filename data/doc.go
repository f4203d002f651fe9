// Package data keeps Signet's records: users, invitations, grants and the
// opaque cells of the key ring. It owns the table of all keys in the store,
// and each of its operations is one transaction of a kv.Engine.
//
// It never reads a token or a password, never signs, and never asks for the
// time or for randomness except through its Options.
package data
