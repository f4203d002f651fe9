// Package par is the endpoint for pushed authorization requests (RFC 9126): a
// client that is authenticated leaves its request here, and sends the browser
// along with a reference that nobody can change.
//
// It never asks who is signed in, and never answers a request.
package par
