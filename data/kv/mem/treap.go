package mem

import "hash/maphash"

// node is the root of an immutable treap: a search tree by key that is also a
// heap by prio. A change copies the path to it and shares the rest, so a root
// is a snapshot, and keeping one costs nothing.
type node struct {
	key, value  string
	prio        uint64
	left, right *node
}

var seed = maphash.MakeSeed()

func (n *node) get(key string) (string, bool) {
	for n != nil {
		switch {
		case key < n.key:
			n = n.left
		case key > n.key:
			n = n.right
		default:
			return n.value, true
		}
	}
	return "", false
}

func (n *node) put(key, value string) *node {
	low, high := n.without(key).split(key)
	return merge(merge(low, &node{key: key, value: value, prio: maphash.String(seed, key)}), high)
}

func (n *node) without(key string) *node {
	if n == nil {
		return nil
	}
	c := *n
	switch {
	case key < n.key:
		c.left = n.left.without(key)
	case key > n.key:
		c.right = n.right.without(key)
	default:
		return merge(n.left, n.right)
	}
	return &c
}

// split parts the keys below key from the others.
func (n *node) split(key string) (low, high *node) {
	if n == nil {
		return nil, nil
	}
	c := *n
	if n.key < key {
		c.right, high = n.right.split(key)
		return &c, high
	}
	low, c.left = n.left.split(key)
	return low, &c
}

// merge joins two treaps of which the first holds the lower keys.
func merge(low, high *node) *node {
	switch {
	case low == nil:
		return high
	case high == nil:
		return low
	}
	if low.prio > high.prio {
		c := *low
		c.right = merge(low.right, high)
		return &c
	}
	c := *high
	c.left = merge(low, high.left)
	return &c
}

// ascend calls fn for each pair from start on, until it returns false.
func (n *node) ascend(start string, fn func(key, value string) bool) bool {
	if n == nil {
		return true
	}
	if n.key < start {
		return n.right.ascend(start, fn)
	}
	return n.left.ascend(start, fn) && fn(n.key, n.value) && n.right.ascend(start, fn)
}
