// Package address says in one word where a store is: the same word in
// config.yaml and on the command line.
//
//	bolt:PATH                                     a file on this machine
//	etcd://HOST:PORT,…/PREFIX?ca=FILE&cert=FILE&key=FILE&user=NAME&password_file=FILE
//	postgres://USER@HOST:PORT,…/DATABASE?…        a URL as libpq reads it
//	postgres:host=… dbname=…                      the same as keywords and values
//
// It opens nothing and knows no engine. An Address may hold a password, which
// it gives to the engine alone: it is never printed, logged or part of an error.
package address
