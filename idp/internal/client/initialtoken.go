package client

import (
	"context"
	"errors"
	"time"

	"signet/data"
)

// InitialTokenPrefix begins every initial access token, for secret scanners.
const InitialTokenPrefix = "signet_ia_"

// ErrInitialToken says that an initial access token is unknown, used up, or
// has expired. Which of them is nobody's business.
var ErrInitialToken = errors.New("client: the initial access token does not hold")

// NewInitialToken makes a token with which that many clients may register
// as long as that (RFC 7591, section 3). It is told here and never again.
func NewInitialToken(ctx context.Context, store *data.Store, note string, uses int, now time.Time, lifetime time.Duration) (text string, t data.InitialToken, err error) {
	now = now.UTC().Round(0)
	text, hash, err := store.NewSecret(InitialTokenPrefix)
	if err != nil {
		return "", t, err
	}
	t = data.InitialToken{Hash: hash, Note: note, Uses: uses, CreatedAt: now, ExpiresAt: now.Add(lifetime)}
	return text, t, store.InitialTokens.Create(ctx, t)
}

// CheckInitialToken returns ErrInitialToken for a token that does not hold. One
// that does may not do so any more by the time it is used.
func (r *Registry) CheckInitialToken(ctx context.Context, text string) error {
	t, err := r.o.Store.InitialTokens.Get(ctx, data.HashOf(text))
	if errors.Is(err, data.ErrNone) || err == nil && t.Uses < 1 {
		return ErrInitialToken
	}
	return err
}
