//go:build !unix

package postgres

import "net"

// quiet cannot look into a connection here: one that was lost is noticed when
// it is used.
func quiet(net.Conn) bool { return true }
