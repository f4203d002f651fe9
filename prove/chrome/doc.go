// Package chrome lets tests use a real Chromium as a person does: profiles with
// cookies of their own, tabs, what a page shows, what it sends, and what it
// complains about (build tag browser).
//
// It knows nothing of the pages that it is used on, and never sleeps: it waits
// for what happens.
package chrome
