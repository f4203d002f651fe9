// Package load asks the same thing again and again, from many connections at
// once, and says how long the answers took.
//
// A closed load asks as soon as it has its answer: it finds the limit. An open
// load asks at fixed moments, answered or not, and counts the wait from the
// moment at which it should have asked: so a server that stands still is not
// spared the requests that it kept from being sent. It knows nothing of Signet.
package load
