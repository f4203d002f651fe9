package data

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"signet/data/kv"
)

// removedFor is how long it is remembered that a client was removed: longer
// than any request takes that found it there.
const removedFor = 10 * time.Minute

// removalSteps bounds what whoever removes a client waits for, and the start of
// an issuer. The sweeper does the rest.
const removalSteps = 10

func removedMark(client string) Hash { return markHash("client removed", HashOf(client)) }

// clientGone tells whether the client was removed a moment ago. A request that
// found it there before gets nothing that would outlive it.
func (s *Store) clientGone(tx kv.Reader, client string) (bool, error) {
	return s.marked(tx, passingKey(markKind, removedMark(client)))
}

// DeleteClient removes a client. The same transaction begins a revocation of
// all that it holds, where it holds anything; a long one is finished by the
// sweeper, or by FinishRevocations. It returns ErrNoClient where there is none.
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	name, err := newName(s.o.Rand)
	if err != nil {
		return err
	}
	var r Revocation
	err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		r = Revocation{Client: id, Reason: "the client was removed"}
		if _, err := s.getClient(tx, id); errors.Is(err, ErrNoClient) {
			return ErrNoClient, nil
		} else if err != nil {
			return nil, err
		}
		tx.Delete(clientKey(id))
		tx.Delete(unusedKey(HashOf(id)))
		gone := mark{ExpiresAt: s.now().Add(removedFor)}
		h := removedMark(id)
		tx.Put(expiryKey(gone.ExpiresAt, expiryPassing, append([]byte{markKind}, h[:]...)), present)
		if err := put(tx, passingKey(markKind, h), &gone); err != nil {
			return nil, err
		}
		if holds, err := clientHoldsAny(tx, id); err != nil || !holds {
			return nil, err
		}
		return nil, s.beginRevocation(tx, name, &r)
	})
	if err != nil || r.ID == "" {
		return err
	}
	if _, err := s.goOn(context.WithoutCancel(ctx), r, removalSteps, nil); err != nil {
		s.o.Logger.Error("some of what a removed client holds is left to the sweeper", slog.Any("error", err))
	}
	return nil
}

// clientHoldsAny tells whether there is anything to revoke: a stranger who
// registers clients and removes them begins nothing.
func clientHoldsAny(tx kv.Reader, id string) (holds bool, err error) {
	lists, err := scanStatusLists(tx)
	if err != nil {
		return false, err
	}
	prefixes := [][]byte{clientHoldsOf(id)}
	for _, l := range lists {
		prefixes = append(prefixes, clientBlocksOf(l.ID, id))
	}
	for i := 0; i < len(prefixes) && err == nil && !holds; i++ {
		err = tx.Scan(prefixes[i], nil, func(_, _ []byte) bool {
			holds = true
			return false
		})
	}
	return holds, err
}

// configuredCell is where the ids of the configured clients are kept from one
// start to the next.
const configuredCell = "configured_clients"

// configuredStep is how many of them one transaction writes about: etcd takes
// 128 operations.
const configuredStep = 100

// ConfiguredClients is told at each start which clients the configuration has.
// The access tokens of those that it had at the last start, and that are nowhere
// any more, are revoked. Their grants stay, for a line that comes back: nobody
// but the client can use them. Of several issuers, one that starts with a list
// that another one replaced within a day takes nothing away.
func (s *Store) ConfiguredClients(ctx context.Context, ids []string) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	left, err := s.unconfigured(ctx, ids)
	for i := 0; i < len(left) && err == nil; i++ {
		r := Revocation{Client: left[i], TokensOnly: true, Reason: "the configuration has the client no more"}
		_, err = s.revoke(ctx, r, removalSteps, nil)
	}
	if err != nil {
		return err
	}
	for some := range slices.Chunk(ids, configuredStep) { // one that was moved here from the store
		err := s.engine.Update(ctx, func(tx kv.Tx) error {
			for _, id := range some {
				tx.Delete(passingKey(markKind, removedMark(id)))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		if behind, err := s.behind(tx, ids); behind || err != nil {
			return err
		}
		return s.configure(tx, ids)
	})
}

// unconfigured are the clients that were configured at the last start, and are
// neither among ids, which are sorted, nor in the store.
func (s *Store) unconfigured(ctx context.Context, ids []string) (left []string, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		left = nil
		if behind, err := s.behind(tx, ids); behind || err != nil {
			return err
		}
		value, err := tx.Get(cellKey(configuredCell))
		if err != nil || value == nil {
			return err
		}
		var before []string
		if json.Unmarshal(value, &before) != nil {
			return fmt.Errorf("%w: the clients that were configured", ErrRecord)
		}
		for _, id := range before {
			if _, found := slices.BinarySearch(ids, id); found {
				continue
			}
			_, err := s.getClient(tx, id)
			switch {
			case err == nil:
			case errors.Is(err, ErrNoClient):
				left = append(left, id)
			default:
				return err
			}
		}
		return nil
	})
	return left, err
}
