// Package engines starts what the engines stand on, the real things in
// processes of their own, on free ports of this machine: etcd members,
// PostgreSQL with a standby, PgBouncer, and what stands before the issuers,
// haproxy. Who uses it does not say again how one is started, killed, paused and
// started again.
//
// It is for tests, whose *testing.T it takes everywhere, and for the bench, which
// has something like it. Where a program is not installed, the test is skipped
// and says what to install; with ENGINES_REQUIRED=1, as in CI, it fails instead.
// It knows nothing of Signet.
package engines
