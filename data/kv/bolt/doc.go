// Package bolt is the engine that a single machine starts with: one file, kept
// by go.etcd.io/bbolt.
//
// Writers that arrive while a commit is on its way to the disk share the next
// one. Their functions run beside each other, on views, and again in the group
// where what they read was written since. In a large file what a group wrote goes
// into a journal first, and comes to its place in the tree with its neighbours.
// Update returns after the commit was synced, and a sync that failed stops the
// engine, since nobody can know what the disk holds then. Transactions do not
// nest. The package never knows what a record means.
package bolt
