// Package kv is the engine under the store: ordered keys and values with
// serializable transactions, and nothing else.
//
// An engine never knows what a record means, and the packages above never know
// which engine they run on: they may not assume one process, one clock or one
// writer. kvtest holds the suite that every engine passes.
package kv
