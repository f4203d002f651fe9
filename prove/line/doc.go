// Package line is a TCP proxy that can be broken on purpose: it refuses, stalls,
// loses answers, or brings them late, and is mended again. It lies between two
// programs of a test, such as a resource server and its issuer, or an issuer and
// its engine.
//
// It is for tests only, and knows nothing of what it carries.
package line
