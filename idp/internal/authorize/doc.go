// Package authorize is the authorization endpoint (RFC 6749, section 3.1;
// OpenID Connect Core, section 3): it decides what a request still needs, sends
// the person to the page for it, and in the end answers the client.
//
// One function decides, decide, and it touches nothing. A request waits in the
// store for its person, belongs to their browser, and is answered once. This
// package never checks a password, never shows a page, and redirects nowhere
// but to itself, to our own pages, and to a proven redirect URI.
package authorize
