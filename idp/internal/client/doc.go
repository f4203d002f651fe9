// Package client knows the clients: those that the configuration declares,
// those in the store, and those that a metadata document describes. It checks
// what clients say of themselves, authenticates them, and tells what each may
// ask for.
//
// It never speaks HTTP to a client, and never decides about people.
package client
