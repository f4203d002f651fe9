// Package request reads authorization requests: it turns what a stranger sent
// into a Request whose every field was checked against its client. The
// authorization endpoint, the endpoint for pushed requests and the pages read
// with it, so that all of them understand the same.
//
// It never redirects, never looks at who is signed in, and never decides
// whether a client gets what it asks for.
package request
