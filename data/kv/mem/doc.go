// Package mem is the engine for tests: it keeps the pairs in memory and is as
// hard on its users as an engine is allowed to be.
//
// It runs every function of an Update twice and keeps only what the second run
// wrote, so a function that cannot be repeated does not survive its first
// test. It never touches a disk, and never serves an issuer that people use.
package mem
