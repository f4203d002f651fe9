// Package claims turns what is known of a person into the standard claims of
// OpenID Connect, and reads the claims parameter.
//
// It never says more than was asked for and allowed.
package claims
