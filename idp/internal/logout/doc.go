// Package logout is the way by which clients ask for a logout (OpenID Connect
// RP-Initiated Logout), with the page that tells other clients in the browser
// (Front-Channel Logout) and the frame of Session Management.
//
// Somebody is signed out at once where an ID token shows that the client which
// asks is the one that this very session told of them; everybody else is asked
// first. It never redirects to a place that the client has not registered.
package logout
