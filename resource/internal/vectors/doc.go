// Package vectors makes the files in resource/testdata/vectors, and reads them
// for the tests: bad tokens, each with the class of its refusal, and the good
// ones that they were made from.
//
// Every byte of them follows from the recipes here and from keys that are no
// secret: nothing is drawn at random, so that the files can be made again and
// compared. It is never part of a program.
package vectors
