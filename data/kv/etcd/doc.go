// Package etcd is the engine on an etcd cluster, which several nodes share. A
// transaction is one of etcd's: the revision of everything that it read is
// compared when it is committed.
//
// It is the only package that knows etcd's client, and what that brings. It
// never splits a transaction, never leases or locks, and never sends a commit
// twice.
package etcd
