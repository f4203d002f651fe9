// Package live reads our own access tokens again, where one comes back to the
// issuer, and tells whether they are still good: their signature alone cannot
// say that their grant has ended or that they were revoked. It takes tokens
// back, too.
//
// A signature that was verified is remembered; what the store and the key ring
// say is asked at every use. It never decides what a token is good for, and
// never asks who presents it: that a bound token comes with a proof is for the
// caller to see to.
package live
