// Package single lets one at a time do what may fail for all. Who waits behind
// one that fails fails with it: of a thousand that wait for a store that does
// not answer, none waits longer than for that one.
package single
