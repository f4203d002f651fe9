// Command gateway checks access tokens for programs that cannot: it verifies
// the token of a request with package resource, and tells the program behind
// it, in headers, who is calling. It holds public keys only.
//
//	go run ./resource/gateway --issuer https://id.example.com --audience api
//	go run ./resource/gateway --issuer https://id.example.com --audience api --upstream http://localhost:8080
//
// Without --upstream it is asked by a proxy in front of the program, such as
// nginx with auth_request: /auth answers 204 with the identity, 401 or 403 with
// a challenge, and 503 while the issuer's keys or lists are not available. What a
// location needs beside --scope and --role stands in the URL that the proxy
// asks, as /auth?role=admin&scope=posts:write: every one of them is needed, so
// whoever could add to that URL could only ask for more. The proxy says what it
// was asked for in X-Original-Method and X-Original-URI, and overwrites what
// its own client sent by these names; with --resource they are required, and
// DPoP proofs are held against them.
//
// With --upstream it is that proxy itself, and hands on what may pass. /healthz
// then belongs to the upstream, and the gateway's own is at --health.
//
// The identity is in these headers, each only where the token says it:
//
//	X-Auth-Subject   sub: a person's id, or the client's own
//	X-Auth-Client    client_id
//	X-Auth-Scope     the scopes, with spaces between
//	X-Auth-Roles     the person's roles, with spaces between
//	X-Auth-Token-Id  jti
//	X-Auth-Actor     who acts for the subject: the sub of act, or its client_id
//
// A token with a name that is not one word of visible ASCII is answered with
// 403, since no header could say it unchanged. Signet makes none.
//
// As a proxy it lets no header of a client pass whose name begins with X-Auth,
// in any spelling, and neither the token nor its proof, unless told to keep
// them. A WebSocket, and no other protocol, may be upgraded to; it ends at its
// token's exp, and not before when the token is revoked. An answer that has
// begun goes on.
//
// It never asks the issuer about a request, takes a token from a URL, believes
// a Host or Forwarded header, or lets a request pass that it could not judge.
package main
