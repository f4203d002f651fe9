package keys

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	sealedSecretKind = "secret"
	secretID         = "1"
	secretSize       = 32
)

// Secret is the one secret of a store that never changes: what is derived from
// it must stay the same through every rotation, and a new master key: a
// person's name for a client (pairwise sub), a client's secret that is needed
// in the clear. Its methods may be called at once.
type Secret struct {
	store Store
	key   []byte
}

type secretRecord struct {
	V      int    `json:"v"`
	Sealed string `json:"sealed"`
}

// OpenSecret reads the secret from its store, or makes it. Of o it uses Store,
// Sealer and Rand.
func OpenSecret(ctx context.Context, o Options) (*Secret, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	for range maxAttempts {
		raw, err := o.Store.Load(ctx)
		if err != nil {
			return nil, fmt.Errorf("keys: load the store's secret: %w", err)
		}
		if raw != nil {
			key, err := openSecret(raw, o.Sealer)
			if err != nil {
				return nil, err
			}
			return &Secret{store: o.Store, key: key}, nil
		}
		fresh := make([]byte, secretSize)
		if _, err := io.ReadFull(o.Rand, fresh); err != nil {
			return nil, fmt.Errorf("keys: make the store's secret: %w", err)
		}
		if raw, err = sealSecret(o.Sealer, fresh); err != nil {
			return nil, err
		}
		// Whether this node was the first or another, the next round reads
		// what is there.
		if _, err := o.Store.CompareAndSwap(ctx, nil, raw); err != nil {
			return nil, fmt.Errorf("keys: store the store's secret: %w", err)
		}
	}
	return nil, errors.New("keys: the store's secret vanishes as soon as it is stored")
}

func sealSecret(s *Sealer, key []byte) ([]byte, error) {
	sealed, err := s.Seal(sealedSecretKind, secretID, key)
	if err != nil {
		return nil, err
	}
	return encode(secretRecord{V: recordVersion, Sealed: sealed})
}

func openSecret(raw []byte, s *Sealer) ([]byte, error) {
	rec, err := decode[secretRecord]("the store's secret", raw, recordVersion)
	if err != nil {
		return nil, err
	}
	key, err := s.Open(sealedSecretKind, secretID, rec.Sealed)
	if err != nil {
		return nil, err
	}
	if len(key) != secretSize {
		return nil, fmt.Errorf("%w: the store's secret has %d bytes", ErrDamaged, len(key))
	}
	return key, nil
}

// Derive returns 32 bytes for a purpose and what it is about: the HMAC-SHA256
// of them under the secret, each with its length before it.
func (s *Secret) Derive(purpose string, about ...string) [32]byte {
	mac := hmac.New(sha256.New, s.key)
	for _, part := range append([]string{purpose}, about...) {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write([]byte(part))
	}
	return [32]byte(mac.Sum(nil))
}

// Reseal seals the secret anew under to, whatever it is sealed under now: to
// finish a change of the master key that was cut short, call it again.
func (s *Secret) Reseal(ctx context.Context, to *Sealer) error {
	for range maxAttempts {
		raw, err := s.store.Load(ctx)
		if err != nil {
			return fmt.Errorf("keys: load the store's secret: %w", err)
		}
		if raw == nil {
			return fmt.Errorf("%w: the store's secret is gone", ErrDamaged)
		}
		next, err := sealSecret(to, s.key)
		if err != nil {
			return err
		}
		swapped, err := s.store.CompareAndSwap(ctx, raw, next)
		if err != nil {
			return fmt.Errorf("keys: store the store's secret: %w", err)
		}
		if swapped {
			return nil
		}
	}
	return fmt.Errorf("%w: the store's secret", ErrContended)
}

// String says nothing of the secret, so that a stray %+v cannot either.
func (s *Secret) String() string { return "the store's secret" }

// Format says nothing of the secret under every verb, %x and %d included.
func (s *Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue says nothing of the secret.
func (s *Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
