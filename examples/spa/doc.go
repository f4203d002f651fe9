// Command spa serves a single-page application that signs people in by itself,
// as a public client on another origin than its issuer and its API: an example
// to read, and to copy from. It is a page, two small scripts and no library.
//
//	go run ./examples/spa
//
// It listens on http://localhost:5556 and is the client "spa" of the issuer at
// http://localhost:4000; the API that it calls is ./resource/demo. -help lists
// what can be changed. docs/single-page-app.md goes through it step by step.
//
// The scripts are in page/: signin.js is the whole of the sign-in (code with
// PKCE, state, nonce, iss, refresh), app.js is the page. Tokens are in the
// page's memory and nowhere else: a reload asks the issuer again, silently.
// This server only serves files, and keeps nothing.
package main
