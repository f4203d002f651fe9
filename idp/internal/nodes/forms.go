package nodes

import "time"

// A form is what a node writes or gives out and those of an earlier release could
// not read. Forms have numbers, from 1, and who reads one reads all before it. A
// release that brings one gives it out only where EveryNodeReads it: then nodes
// of both may stand side by side, and nobody is refused what another node gave.

// EveryNodeReads tells whether all nodes on this store read the form. One that
// does not counts for as long as one that is silent does, also when it has said
// goodbye: it may be starting again. So a node that has not been there for so
// long itself says no. On a store that has one node only, where there is no
// Service, it is always so.
func (s *Service) EveryNodeReads(form int) bool {
	return s == nil || s.read.Load() >= int64(form)
}

// forms knows which forms the nodes read, those of a while ago among them.
type forms struct {
	newest int           // that this node reads
	while  time.Duration // how long a node counts that is not seen any more
	began  time.Time
	last   map[int]time.Time // when a node was last seen whose newest form this is
}

func newForms(o Options) forms {
	return forms{newest: o.Reads, while: silent * o.Every, began: o.Now(), last: map[int]time.Time{}}
}

func (f *forms) seen(reads int, now time.Time) { f.last[reads] = now }

// read is the newest form that all of them read.
func (f *forms) read(now time.Time) int {
	if now.Sub(f.began) <= f.while {
		return 0
	}
	least := f.newest
	for reads, at := range f.last {
		if now.Sub(at) <= f.while {
			least = min(least, reads)
		}
	}
	return least
}
