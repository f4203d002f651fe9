//go:build crash

package prove

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"signet/prove/issuer"
	"signet/resource"
)

// plainCache is a verifier that somebody else wrote: it keeps a JWKS for its
// max-age, fetches it for no other reason, an unknown key included, and knows
// nothing of Signet.
type plainCache struct {
	client             *issuer.Client
	fetches, cacheable atomic.Int64

	mu    sync.Mutex
	keys  map[string]*ecdsa.PublicKey
	until time.Time
}

func newPlainCache(url string) *plainCache { return &plainCache{client: issuer.NewClient(url)} }

func (c *plainCache) verify(ctx context.Context, token string) error {
	key, err := c.key(ctx, kidOf(token))
	if err != nil {
		return err
	}
	signed := token[:strings.LastIndexByte(token, '.')]
	signature, err := base64.RawURLEncoding.DecodeString(token[len(signed)+1:])
	if err != nil || len(signature) != 64 {
		return errors.New("not a signature")
	}
	digest := sha256.Sum256([]byte(signed))
	if !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return errors.New("a wrong signature")
	}
	return nil
}

func (c *plainCache) key(ctx context.Context, kid string) (*ecdsa.PublicKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); !now.Before(c.until) {
		if err := c.fetch(ctx, now); err != nil {
			return nil, err
		}
	}
	if key := c.keys[kid]; key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("no key %s among %d in a copy that is good for another %s", kid, len(c.keys), time.Until(c.until))
}

// fetch counts the age of a copy from the moment it was asked for (RFC 9111,
// section 4.2.3).
func (c *plainCache) fetch(ctx context.Context, asked time.Time) error {
	answer := c.client.JWKS(ctx)
	if answer.Result != issuer.Done {
		return fmt.Errorf("%w: the JWKS: %s", resource.ErrUnavailable, answer)
	}
	c.fetches.Add(1)
	_, seconds, _ := strings.Cut(answer.Header.Get("Cache-Control"), "max-age=")
	maxAge, err := strconv.Atoi(seconds)
	if err != nil {
		return err
	}
	if maxAge > 0 {
		c.cacheable.Add(1)
	}
	var set struct{ Keys []struct{ KID, X, Y string } }
	if err := json.Unmarshal(answer.Body, &set); err != nil {
		return err
	}
	c.keys, c.until = map[string]*ecdsa.PublicKey{}, asked.Add(time.Duration(maxAge)*time.Second)
	for _, k := range set.Keys {
		point := []byte{4}
		for _, coordinate := range []string{k.X, k.Y} {
			raw, err := base64.RawURLEncoding.DecodeString(coordinate)
			if err != nil {
				return err
			}
			point = append(point, raw...)
		}
		if c.keys[k.KID], err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point); err != nil {
			return err
		}
	}
	return nil
}
