// Command webapp is a web application that signs people in with an OpenID
// Provider, on github.com/coreos/go-oidc and golang.org/x/oauth2: an example to
// read, and to copy from.
//
//	CLIENT_SECRET=… go run ./examples/webapp
//
// It listens on http://localhost:5555 and is the client "webapp" of the issuer
// at http://localhost:4000; -help lists what can be changed. Without
// CLIENT_SECRET it is a public client. docs/web-app.md goes through it step by
// step.
//
// It shows: sign-in by the authorization code with PKCE, state and nonce; the
// claims of the ID token and of userinfo; refresh; a silent check by
// prompt=none; another account by prompt=select_account; a declined consent;
// and logout at both ends, begun here or there.
//
// The session is kept here, in memory; the browser holds its name only, in a
// cookie that no script reads. No token ever reaches the browser, except the
// ID token as a hint at logout.
package main
