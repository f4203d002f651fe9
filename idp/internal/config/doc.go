// Package config turns config.yaml and the SIGNET_ environment into one
// checked struct, and says in one go everything that is wrong with them.
//
// Every setting is one row of the table in settings.go: its key, default,
// check and help. The names of the environment, the documentation and the
// checks are made of it. The package never reads a secret, changes nothing on
// disk, and nothing asks it for a value later: what starts is what was checked.
package config
