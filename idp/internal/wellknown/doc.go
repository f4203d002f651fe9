// Package wellknown publishes what verifiers need: the JWKS and the metadata
// documents. The bytes are built when they change, not when they are asked
// for.
//
// It holds no secret, reads no store and authenticates nobody.
package wellknown
