// Package browser holds the tests of the demo's page: a real Chromium, a real
// issuer and a real demo, each a process of its own (build tag browser).
//
//	go test -tags browser ./resource/demo/browser
//	go test -tags browser ./resource/demo/browser -run Looked -args -screenshots /tmp/pictures
//
// It exports nothing, and its tests never sleep: they wait for what happens.
package browser
