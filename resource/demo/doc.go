// Command demo is a small API to run beside an issuer, and an example of how
// package resource is used. It keeps posts in memory, knows people only by
// their tokens, and holds no secret.
//
//	go run ./resource/demo --listen localhost:3000 --issuer http://localhost:4000 --audience api
package main
