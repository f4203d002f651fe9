// Package others holds the tests of the pages of docs/ about verifiers that are
// not ours: jose in Node, nginx with the gateway, Apache with mod_auth_openidc,
// and the API server of Kubernetes (build tag others). Each runs as a process
// of its own, with the configuration that is read from its page, beside the
// real issuer; only addresses and folders are replaced.
//
//	(cd prove/others/node && npm ci)
//	go test -tags others ./prove/others
//
// It exports nothing, and its tests never sleep: they wait for what happens.
package others
