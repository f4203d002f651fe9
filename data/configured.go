package data

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"signet/data/kv"
)

// When several issuers use the store, a changed configuration reaches them one
// after the other, and one that has the older file may start again meanwhile.
// The lists that were replaced within a day are therefore kept: who starts with
// one of them is behind, and changes nothing.
const (
	formerCell = "configured_before"
	formerFor  = 24 * time.Hour
	maxFormer  = 8
)

// formerList is the list of configured clients of a file that was replaced.
type formerList struct {
	Clients  []string  `json:"clients"` // sorted
	Replaced time.Time `json:"replaced"`
}

// behind tells whether the sorted list is one that another issuer replaced a
// while ago.
func (s *Store) behind(tx kv.Reader, ids []string) (bool, error) {
	if !s.o.Shared {
		return false, nil
	}
	former, err := s.formerLists(tx)
	return slices.ContainsFunc(former, func(f formerList) bool { return slices.Equal(f.Clients, ids) }), err
}

// formerLists are those of the last day.
func (s *Store) formerLists(tx kv.Reader) (former []formerList, err error) {
	value, err := tx.Get(cellKey(formerCell))
	if err != nil || value == nil {
		return nil, err
	}
	if json.Unmarshal(value, &former) != nil {
		return nil, fmt.Errorf("%w: the clients that were configured before", ErrRecord)
	}
	since := s.now().Add(-formerFor)
	return slices.DeleteFunc(former, func(f formerList) bool { return f.Replaced.Before(since) }), nil
}

// configure makes the sorted list the one of the last start, and remembers the
// one before it where issuers may have that still.
func (s *Store) configure(tx kv.Tx, ids []string) error {
	now, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	before, err := tx.Get(cellKey(configuredCell))
	if err != nil || bytes.Equal(before, now) {
		return err
	}
	if s.o.Shared && before != nil {
		if err := s.remember(tx, bytes.Clone(before)); err != nil {
			return err
		}
	}
	tx.Put(cellKey(configuredCell), now)
	return nil
}

func (s *Store) remember(tx kv.Tx, replaced []byte) error {
	former, err := s.formerLists(tx)
	if err != nil {
		return err
	}
	list := formerList{Replaced: s.now()}
	if json.Unmarshal(replaced, &list.Clients) != nil {
		return fmt.Errorf("%w: the clients that were configured", ErrRecord)
	}
	former = append(former, list)
	value, err := json.Marshal(former[max(0, len(former)-maxFormer):])
	if err != nil {
		return err
	}
	tx.Put(cellKey(formerCell), value)
	return nil
}
