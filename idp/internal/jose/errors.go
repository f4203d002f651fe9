package jose

import (
	"errors"
	"fmt"
)

// Why a token is not accepted. All of them are ErrInvalid too, and none quotes
// what a stranger sent.
var (
	ErrInvalid = errors.New("jose: the token is not valid")
	// ErrMalformed says that it is no signed JWT in the compact form, or that
	// a claim has another type than it should.
	ErrMalformed = fmt.Errorf("%w: malformed", ErrInvalid)
	// ErrAlg says that its algorithm is unknown, or not one that the caller
	// allows.
	ErrAlg = fmt.Errorf("%w: its algorithm is not allowed", ErrInvalid)
	// ErrNoKey says that no key fits it, or too many do. A newer copy of the
	// key set may help.
	ErrNoKey = fmt.Errorf("%w: no key fits", ErrInvalid)
	// ErrSignature says that the key which it names did not sign it.
	ErrSignature = fmt.Errorf("%w: its signature is wrong", ErrInvalid)
)

// Why a key set is refused as a whole.
var (
	ErrKeySet = errors.New("jose: not a usable JWK Set")
	// ErrPrivateKey says that a key set holds what only its owner may know: a
	// private or a symmetric key. Whoever sent it should replace that key.
	ErrPrivateKey = fmt.Errorf("%w: it holds a private or symmetric key", ErrKeySet)
)
