// Package engines opens the engine that an address names. It is the one place that
// knows all engines; a new one is a line here and a scheme in package address.
package engines
