package bolt

import "slices"

// How much of the past is known. An attempt that is older runs again.
const (
	historyGroups = 64
	historyKeys   = 4096
)

// history is which keys the last groups wrote. Only the goroutine that serves
// the groups uses it.
type history struct {
	groups    []written // in order
	forgotten uint64    // the last group that is not there any more
	size      int       // keys in groups
}

// written is what one group wrote.
type written struct {
	group uint64
	keys  map[string]struct{}
}

// add notes keys that group wrote.
func (h *history) add(group uint64, keys []string) {
	if n := len(h.groups); n == 0 || h.groups[n-1].group != group {
		h.forget()
		h.groups = append(h.groups, written{group, make(map[string]struct{}, len(keys))})
	}
	in := h.groups[len(h.groups)-1].keys
	h.size -= len(in)
	for _, k := range keys {
		in[k] = struct{}{}
	}
	h.size += len(in)
}

// forget makes room for one more group.
func (h *history) forget() {
	for len(h.groups) > 0 && (len(h.groups) >= historyGroups || h.size > historyKeys) {
		h.size -= len(h.groups[0].keys)
		h.forgotten = h.groups[0].group
		h.groups = slices.Delete(h.groups, 0, 1)
	}
}

// overtook says whether something that a read was written since, or may have
// been.
func (h *history) overtook(a *attempt) bool {
	if a.since < h.forgotten {
		return true
	}
	for _, w := range slices.Backward(h.groups) {
		if w.group <= a.since {
			return false
		}
		if w.touches(a) {
			return true
		}
	}
	return false
}

func (w written) touches(a *attempt) bool {
	for _, k := range a.gets {
		if _, wrote := w.keys[k]; wrote {
			return true
		}
	}
	for _, s := range a.ranges {
		for k := range w.keys {
			if s.holds(k) {
				return true
			}
		}
	}
	return false
}
