// Package signout does what follows when somebody has left a browser session:
// their grants that came from it end, the clients that were told of them are
// told of their end, by a logout token that is put in line for each (OpenID
// Connect Back-Channel Logout) or by a page that the browser loads in a frame
// (Front-Channel Logout).
//
// It never takes anybody out of a session, which package session does, and
// never sends anything itself: package deliver does.
package signout
