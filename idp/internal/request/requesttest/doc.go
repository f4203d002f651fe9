// Package requesttest is an issuer without a network, for tests of what
// authorization requests lead to. Only tests import it.
package requesttest
