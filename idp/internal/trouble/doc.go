// Package trouble lets work that is tried again and again say once that it
// fails, and once that it succeeds again: an outage of an hour is two lines of
// the log. It never decides when to try again.
package trouble
