// Command cli is a tool for the terminal that signs a person in and calls an
// API in the person's name, on github.com/coreos/go-oidc and
// golang.org/x/oauth2: an example to read, and to copy from.
//
//	go run ./examples/cli
//	go run ./examples/cli --browser
//
// The first shows a code to type into a browser on any device (RFC 8628); the
// second expects a browser on this machine, and takes the answer on a port of
// its own (RFC 8252). It is the client "cli" of the issuer at
// http://localhost:4000, and calls ./resource/demo. -help lists what can be
// changed; docs/command-line.md goes through it step by step.
//
// It stores nothing: the tokens end with it, and it tells the issuer so.
package main
