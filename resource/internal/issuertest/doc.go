// Package issuertest is a small issuer for the tests of those who verify: it
// publishes keys, with conditional long polls, signs whatever it is told to,
// counts who asked, and can be made to fail in the ways that networks do.
//
// It is reached over HTTP or, through Client, without a network, so that a
// test may run in a bubble of its own time. It is never part of a program.
package issuertest
