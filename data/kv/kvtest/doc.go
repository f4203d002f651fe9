// Package kvtest is the suite that every engine passes: what kv.Engine
// promises, as tests. An engine's own test is one call of Run; what only that
// engine can do (a full disk, a lost network) is tested beside it. It also has
// the engines that count and that can be cut off, for the tests of others.
package kvtest
