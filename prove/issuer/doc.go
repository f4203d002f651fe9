// Package issuer runs the real issuer as a child process and talks to it as a
// client does. The tests of package prove and the bench stand on it.
//
// It never looks inside the issuer: it knows the command line, the settings,
// the state folder and the wire. It says of each answer whether the issuer
// acknowledged, refused, or left the client in the dark.
package issuer
