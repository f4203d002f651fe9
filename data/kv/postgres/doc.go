// Package postgres is the engine for several issuers on one PostgreSQL: a table
// of pairs, each with a version, beneath the engine that remote stores share.
//
// A read is one flight to the server and one back, and so is a commit: it runs
// SERIALIZABLE, looks whether all that was read is still so, writes, and
// commits, or changes nothing and brings back what is there now. No statement
// is ever prepared under a name, no lock and no setting outlives its
// transaction, so a pooler may stand between. Several hosts may be named; the
// one that takes writes is found again after a failover.
//
// The package never knows what a record means, never repeats a commit whose
// answer was lost, never lets a password out, and never acknowledges what the
// server has not written to its disk.
package postgres
