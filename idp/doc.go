// Command idp is Signet's issuer: it registers people, signs them in, signs
// access tokens, rotates its keys and publishes the public ones. Alone it
// serves; its subcommands, a short file each, look after keys, users and
// backups, beside a running issuer or without one.
//
// It never prints a secret, and what it is told not to do it says in one line.
package main
