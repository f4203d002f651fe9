// Package prove shows on the real issuer, as a child process, what Signet
// promises: what was acknowledged survives kill -9 and a power cut, what was
// revoked stays dead, also where the line to the issuer is broken, a rotation
// loses no valid token, a stolen store is useless. Its clients use the JSON API,
// or come through a browser's pages. It has tests only.
//
// The quick ones run with go test ./...; the rest take minutes and need the
// build tag crash:
//
//	go test -tags crash ./prove/ [-rounds 50] [-cuts 200] [-revocations 10] [-seed N]
//
// It never looks at the issuer from inside: the same tests would judge another
// issuer with the same command and wire.
package prove
