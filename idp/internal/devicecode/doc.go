// Package devicecode is what a device knows of a device authorization request
// (RFC 8628): its codes, and what it hears when it polls.
//
// It never authenticates a client or a person, never decides for one, and never
// makes a grant: package grant does that, for a device that was allowed.
package devicecode
