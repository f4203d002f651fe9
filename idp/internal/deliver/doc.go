// Package deliver carries logout tokens to the clients (OpenID Connect
// Back-Channel Logout, section 2.5), again and again until each was taken or
// refused, or a day has passed.
//
// What is to be sent lies in the store, so a restart forgets none of it. A node
// moves a delivery to its next time before it sends, so two nodes never send
// one at once; and a token is signed when it is sent, so it is never too old.
//
// It never decides who is told what: package signout does. It never opens a
// connection itself, and never logs a URL or an answer.
package deliver
