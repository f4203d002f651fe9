// Package browser holds the tests of the provider's pages and flows: a real
// Chromium, the real issuer, the applications in examples/ and the demo API,
// each a process of its own (build tag browser). The issuer and the
// applications are on different sites, as they are in the world.
//
//	go test -tags browser ./prove/browser
//	BROWSER_PICTURES=/tmp/pictures go test -tags browser ./prove/browser -run LookedAt
//
// It exports nothing, and its tests never sleep: they wait for what happens.
package browser
