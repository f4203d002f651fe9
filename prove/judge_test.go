//go:build crash

package prove

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"signet/data"
	"signet/data/kv/bolt"
	"signet/keys"
	"signet/prove/ledger"
)

// judge holds a store against what clients had been told.
type judge struct {
	passwords map[[2]string]bool // hash and password: bcrypt is slow, and most stay
}

func newJudge() *judge { return &judge{passwords: map[[2]string]bool{}} }

// look opens the folder that a power cut at that instant left. Every error is
// a loss.
func (j *judge) look(ctx context.Context, folder string, c *crew, at time.Time) (err error) {
	path := filepath.Join(folder, "signet.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return j.lookAtNothing(c, at)
	}
	if err := sound(ctx, path); err != nil {
		return err
	}
	engine, err := bolt.Open(path, bolt.Options{Logger: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	store, err := data.Open(ctx, engine, data.Options{Logger: quiet})
	if err != nil {
		return err
	}
	if err := lookAtRing(ctx, store, folder, c.keys.revokedBy(at)); err != nil {
		return err
	}
	for _, people := range c.workers {
		for _, p := range people {
			worlds, err := p.At(at)
			if err != nil {
				return err
			}
			if err := j.lookAtPerson(ctx, store, p.Email, worlds); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookAtNothing accepts that there is no store as long as nobody was told
// anything.
func (j *judge) lookAtNothing(c *crew, at time.Time) error {
	for _, people := range c.workers {
		for _, p := range people {
			worlds, err := p.At(at)
			if err != nil {
				return err
			}
			if worlds[0].Registered {
				return fmt.Errorf("the store is gone, and %s had registered", p.Email)
			}
		}
	}
	return nil
}

// lookAtRing makes sure that the master key on the disk opens the ring, if
// there is one, and that no key that was revoked has come back.
func lookAtRing(ctx context.Context, store *data.Store, folder string, revoked []string) error {
	raw, err := store.Cell("ring").Load(ctx)
	if err != nil {
		return err
	}
	if raw == nil {
		if len(revoked) > 0 {
			return fmt.Errorf("the ring is gone")
		}
		return nil
	}
	text, err := os.ReadFile(filepath.Join(folder, "master.key"))
	if err != nil {
		return fmt.Errorf("a sealed ring without its master key: %w", err)
	}
	master, err := keys.ParseMasterKey(text)
	if err != nil {
		return fmt.Errorf("a sealed ring without its master key: %w", err)
	}
	// The ring is opened as the issuer does, on a copy: opening may change it.
	ring, err := keys.Open(ctx, keys.Options{Config: keys.DefaultConfig(), Store: &copied{value: raw},
		Sealer: keys.NewSealer(master, store.Meta().StoreID), Logger: quiet})
	if err != nil {
		return err
	}
	for _, kid := range revoked {
		if _, _, state, there := ring.Snapshot().Public(kid); there {
			return fmt.Errorf("key %s was revoked and is %s again", kid, state)
		}
	}
	return nil
}

// copied is a cell of its own.
type copied struct{ value []byte }

func (c *copied) Load(context.Context) ([]byte, error) { return c.value, nil }

func (c *copied) CompareAndSwap(_ context.Context, old, value []byte) (bool, error) {
	if !bytes.Equal(c.value, old) {
		return false, nil
	}
	c.value = value
	return true, nil
}

func (c *copied) Changed() (<-chan struct{}, func()) { return make(chan struct{}), func() {} }

// lookAtPerson accepts the store if it is one of the worlds.
func (j *judge) lookAtPerson(ctx context.Context, store *data.Store, email string, worlds []ledger.World) error {
	address, err := data.ParseEmail(email)
	if err != nil {
		return err
	}
	user, err := store.UserByEmail(ctx, address)
	there := err == nil
	if err != nil && !errors.Is(err, data.ErrNoUser) {
		return err
	}
	var reasons []error
	for _, w := range worlds {
		err := j.compare(ctx, store, w, user, there)
		if err == nil {
			return nil
		}
		reasons = append(reasons, err)
	}
	return fmt.Errorf("%s: %w", email, errors.Join(reasons...))
}

func (j *judge) compare(ctx context.Context, store *data.Store, w ledger.World, user data.User, there bool) error {
	if w.Registered != there {
		return fmt.Errorf("registered %t, in the store %t", w.Registered, there)
	}
	if !there {
		return nil
	}
	if !j.matches(user.PasswordHash, w.Password) {
		return fmt.Errorf("the password is not %q", w.Password)
	}
	for id, c := range w.Chains {
		if c.Newest == "" {
			continue
		}
		grant, generation := parseRefresh(c.Newest)
		g, u, err := store.Grant(ctx, grant, "")
		if err != nil && !errors.Is(err, data.ErrNoGrant) {
			return err
		}
		alive := err == nil && g.Epoch == u.Epoch && !u.Disabled
		switch {
		case alive != c.Alive:
			return fmt.Errorf("chain %d: alive %t, in the store %t", id, c.Alive, alive)
		case !alive:
		case g.Current != generation && g.Parent != generation:
			return fmt.Errorf("chain %d: the newest token has generation %d, the store stands at %d after %d", id, generation, g.Current, g.Parent)
		case g.Current > generation+uint32(c.Extra):
			return fmt.Errorf("chain %d: the store is at generation %d, and nobody asked for more than %d", id, g.Current, generation+uint32(c.Extra))
		}
	}
	return nil
}

func (j *judge) matches(hash, password string) bool {
	key := [2]string{hash, password}
	matches, known := j.passwords[key]
	if !known {
		matches = bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
		j.passwords[key] = matches
	}
	return matches
}

// parseRefresh reads what a refresh token names: its grant and its generation.
func parseRefresh(token string) (data.GrantID, uint32) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "signet_rt_"))
	if err != nil || len(raw) < 20 {
		panic("a refresh token of another form")
	}
	return data.GrantID(raw[:16]), binary.BigEndian.Uint32(raw[16:])
}
