// Package cluster shows on the real thing what Signet promises of many issuers
// (build tag engines): three of them behind haproxy, on three etcd members or on
// a PostgreSQL primary with a synchronous standby, all processes of their own.
// While clients sign in, refresh, sign out and revoke, all at once, and resource
// servers follow the lists, processes are killed and paused, and the lines
// between the issuers and the engine are cut and held up. And issuers of an older
// version, out of the history, are replaced by those of today (testdata/older).
//
//	go test -tags engines ./prove/cluster [-rounds 1] [-seed N] [-older COMMIT] [-v]
//	go test -tags engines ./prove/cluster -run NetworkItself -namespaces [-rounds 1] [-v]
//
// The second, by hand and as root, gives each member of etcd a network of its own
// and cuts that, where a line between would still answer for the other side.
//
// What everybody was told is then held against the state machine of a grant
// (package history), and how long clients had to ask again is printed and
// bounded, for each fault. It has tests only.
package cluster
