// Package web is the HTTP side of the issuer: Echo, the middleware, the one
// table of routes and the one place that writes an error.
//
// It holds no endpoint and decides nothing about people, grants or keys.
package web
