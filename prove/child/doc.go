// Package child runs commands of the module beside a test: it builds them,
// starts them, waits until they say that they are ready, and ends them with the
// test. It knows nothing of what they do; package issuer knows the issuer.
package child
