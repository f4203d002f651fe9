package data

import (
	"context"
	"log/slog"
	"time"

	"signet/data/kv"
)

// Node is a running issuer on a store that others may use too, as it last said
// of itself. It says so again and again; one that has stopped to is dead.
type Node struct {
	V     int       `json:"v"`
	ID    string    `json:"id"`
	Rank  int       `json:"rank"`           // it came after all that have a lower one; no clock is in it
	At    time.Time `json:"at"`             // by its own clock, as it wrote this
	Reads int       `json:"reads,omitzero"` // the newest form that it reads, of those that earlier releases do not
}

func (n *Node) kind() string  { return "node" }
func (n *Node) version() *int { return &n.V }

// NewNode names a node.
func (s *Store) NewNode() (n Node, err error) {
	n.ID, err = newName(s.o.Rand)
	return n, err
}

// PutNode stores what the node says of itself, as of now, and forgets those that
// are dead. One without a rank gets the next.
func (s *Store) PutNode(ctx context.Context, n Node, dead []string) (Node, error) {
	asked := n.Rank
	err := s.engine.Update(ctx, func(tx kv.Tx) error {
		for _, id := range dead {
			tx.Delete(nodeKey(id))
		}
		if n.Rank = asked; asked == 0 {
			others, err := s.nodes(tx)
			if err != nil {
				return err
			}
			for _, o := range others {
				n.Rank = max(n.Rank, o.Rank)
			}
			n.Rank++
		}
		n.At = s.now()
		return put(tx, nodeKey(n.ID), &n)
	})
	return n, err
}

// DropNode forgets a node that stops.
func (s *Store) DropNode(ctx context.Context, id string) error {
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		tx.Delete(nodeKey(id))
		return nil
	})
}

// Nodes lists what the nodes last said of themselves.
func (s *Store) Nodes(ctx context.Context) (list []Node, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		list, err = s.nodes(tx)
		return err
	})
	return list, err
}

func (s *Store) nodes(tx kv.Reader) (list []Node, err error) {
	err = tx.Scan([]byte(nodePrefix), nil, func(_, value []byte) bool {
		var n Node
		if err := decode(value, &n); err != nil { // of a later release: its clock is its own business
			s.o.Logger.Debug("a node's record cannot be read", slog.Any("error", err))
			return true
		}
		list = append(list, n)
		return true
	})
	return list, err
}

// NodesChanged returns a channel that receives after a node said something. stop
// ends it.
func (s *Store) NodesChanged() (changed <-chan struct{}, stop func()) {
	return s.engine.Watch([]byte(nodePrefix))
}

func nodeKey(id string) []byte { return append([]byte(nodePrefix), id...) }
