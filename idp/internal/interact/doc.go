// Package interact serves the pages where people act: sign-in, sign-up, the
// choice of an account, consent, the code of a device, and their own account.
//
// It notes what a person did in the authorization request, or in the device's,
// and sends them on. What a client gets for it is decided elsewhere: nothing
// here issues a code or a token, and no page leads to a URL that came from
// outside.
package interact
