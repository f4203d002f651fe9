package keys

import (
	"errors"
	"fmt"
	"time"
)

// The failures of the ring and of the MAC keys that callers tell apart.
var (
	// ErrLease says that the store has not confirmed what this node knows
	// for longer than the lease: another node may have revoked its keys.
	ErrLease = errors.New("keys: the lease is over")
	// ErrNoSigner says that no line of the ring has an active key.
	ErrNoSigner = errors.New("keys: no line has an active key")
	// ErrLifetime says that a token would outlive what its key may sign.
	ErrLifetime = errors.New("keys: the lifetime is longer than its key may sign")
	// ErrReason says that a revocation was asked for without a reason.
	ErrReason = errors.New("keys: a revocation needs a reason")
	// ErrUnknownKey says that the ring never had a key of that kid.
	ErrUnknownKey = errors.New("keys: no such key")
	// ErrGone says that the key has left the ring already.
	ErrGone = errors.New("keys: the key is gone already")
	// ErrNoLine says that the ring has no line of that algorithm.
	ErrNoLine = errors.New("keys: no line of that algorithm")
	// ErrOvertaken says that another rotation came first, so this one was
	// not done on top of it.
	ErrOvertaken = errors.New("keys: another rotation came first")
	// ErrContended says that a change lost against others too often.
	ErrContended = errors.New("keys: too many changes at once")
	// ErrDamaged says that a record of the store is not what this package
	// writes.
	ErrDamaged = errors.New("keys: the record is damaged")
	// ErrVersion says that a newer release wrote the record.
	ErrVersion = errors.New("keys: the record has a version that this release does not know")
	// ErrWrongMasterKey is what every WrongMasterKeyError is.
	ErrWrongMasterKey = errors.New("keys: wrong master key")
	// ErrSealBroken says that a sealed value was changed, cut or moved.
	ErrSealBroken = errors.New("keys: the seal is broken")
	// ErrMasterKey says that a text is not a master key.
	ErrMasterKey = errors.New("keys: not a master key")
	// ErrMACUnknown says that no MAC key of that id is known here. Right
	// after MACs.RevokeAll, the new key of another node may look like this
	// for an instant.
	ErrMACUnknown = errors.New("keys: no such MAC key")
	// ErrMACRevoked says that the MAC key was revoked or is over.
	ErrMACRevoked = errors.New("keys: the MAC key was revoked")
	// ErrMACMismatch says that the MAC is not the message's.
	ErrMACMismatch = errors.New("keys: the MAC does not match")
)

// NotReadyError refuses a rotation: until ReadyAt some verifier may still
// hold a JWKS without the key KID.
type NotReadyError struct {
	Alg     Alg
	KID     string
	ReadyAt time.Time
}

func (e *NotReadyError) Error() string {
	return fmt.Sprintf("keys: the next %s key %s is not ready before %s: until then a verifier may hold a JWKS without it",
		e.Alg, e.KID, e.ReadyAt.Format(time.RFC3339))
}

// WrongMasterKeyError says under which master key a value was sealed, and
// which one was tried. Both are public ids, not keys.
type WrongMasterKeyError struct{ Kind, ID, Sealed, Have string }

func (e *WrongMasterKeyError) Error() string {
	return fmt.Sprintf("keys: %s %s is sealed with master key %s, this is %s: start with the master key that made the store",
		e.Kind, e.ID, e.Sealed, e.Have)
}

// Unwrap makes errors.Is(err, ErrWrongMasterKey) true.
func (e *WrongMasterKeyError) Unwrap() error { return ErrWrongMasterKey }
