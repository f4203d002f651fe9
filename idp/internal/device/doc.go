// Package device is POST /oauth2/device_authorization (RFC 8628, section 3.1),
// where a device that has no browser begins.
//
// It never meets a person: they type the code into a page, and the device polls
// the token endpoint.
package device
