// Package wellknown publishes what verifiers need: the JWKS, the status lists and
// the metadata documents. The bytes are built when they change, not when they
// are asked for, and who has them already may wait here for others.
//
// It holds no secret and authenticates nobody.
package wellknown
