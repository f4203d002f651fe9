// Package scaling follows the examples of docs/scaling.md word by word (build
// tag engines): three issuers behind haproxy on three members of etcd, and on
// PostgreSQL with a standby that takes the primary's place. It needs the ports
// that the page names, and Debian's etcd-server, postgresql and haproxy.
//
//	go test -tags engines ./prove/scaling
//
// It exports nothing.
package scaling
