package disk

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

const sector = 512

// Disk is a folder: what is there for whoever looks, and what would be there
// after a power cut.
type Disk struct {
	names   map[string]*file // as the process sees them
	durable map[string]*file // as the disk has them
	pending []naming         // changes of names since
	syncs   map[int]covered  // syncs under way, by thread
}

// file is what a name stands for; it may have several or none.
type file struct {
	durable []byte
	pending []*change
}

// change is one write, or a new length.
type change struct {
	offset   int64
	data     []byte
	truncate bool // to offset
	finished bool
}

// naming sets some names, all at once; nil removes.
type naming map[string]*file

// covered is what a sync makes durable when it returns.
type covered struct {
	file  *file
	what  []*change // finished when the sync began
	names int       // of the folder: so many of pending
}

// New returns an empty folder.
func New() *Disk {
	return &Disk{names: map[string]*file{}, durable: map[string]*file{}, syncs: map[int]covered{}}
}

func (d *Disk) rename(n naming) {
	setNames(d.names, n)
	d.pending = append(d.pending, n)
}

func setNames(m map[string]*file, n naming) {
	for name, f := range n {
		if f == nil {
			delete(m, name)
		} else {
			m[name] = f
		}
	}
}

func (d *Disk) file(name string) (*file, error) {
	if f := d.names[name]; f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("disk: no file %q", name)
}

// create makes the file unless it is there.
func (d *Disk) create(name string) *file {
	f := d.names[name]
	if f == nil {
		f = &file{}
		d.rename(naming{name: f})
	}
	return f
}

func (f *file) add(c *change) { f.pending = append(f.pending, c) }

// beginSync notes what a sync will cover; name is "" for the folder.
func (d *Disk) beginSync(thread int, name string) error {
	if name == "" {
		d.syncs[thread] = covered{names: len(d.pending)}
		return nil
	}
	f, err := d.file(name)
	if err != nil {
		return err
	}
	c := covered{file: f}
	for _, ch := range f.pending {
		if ch.finished {
			c.what = append(c.what, ch)
		}
	}
	d.syncs[thread] = c
	return nil
}

// endSync makes it durable, if the sync succeeded.
func (d *Disk) endSync(thread int, ok bool) {
	c := d.syncs[thread]
	delete(d.syncs, thread)
	switch {
	case !ok:
	case c.file == nil:
		for _, n := range d.pending[:c.names] {
			setNames(d.durable, n)
		}
		d.pending = slices.Clone(d.pending[c.names:])
		for thread, other := range d.syncs {
			if other.file == nil {
				other.names = max(0, other.names-c.names)
				d.syncs[thread] = other
			}
		}
	default:
		for _, ch := range c.what {
			if i := slices.Index(c.file.pending, ch); i >= 0 {
				c.file.durable = ch.apply(c.file.durable, all)
				c.file.pending = slices.Delete(c.file.pending, i, i+1)
			}
		}
	}
}

// landing says whether the sector of a change that begins at offset, counted
// from its beginning, reached the disk.
type landing func(c *change, offset int64) bool

func all(*change, int64) bool { return true }

// apply returns image with the sectors of the change that landed.
func (c *change) apply(image []byte, lands landing) []byte {
	if c.truncate {
		if lands(c, 0) {
			image = resize(image, c.offset)
		}
		return image
	}
	for from := int64(0); from < int64(len(c.data)); {
		to := min(int64(len(c.data)), (c.offset+from)/sector*sector+sector-c.offset)
		if lands(c, from) {
			if c.offset+to > int64(len(image)) {
				image = resize(image, c.offset+to)
			}
			copy(image[c.offset+from:], c.data[from:to])
		}
		from = to
	}
	return image
}

func resize(image []byte, length int64) []byte {
	if length <= int64(len(image)) {
		return image[:length]
	}
	return append(image, make([]byte, length-int64(len(image)))...)
}

// moods are ways in which a disk loses what was not synced.
var moods = []func(r *rand.Rand) landing{
	func(*rand.Rand) landing { return func(*change, int64) bool { return false } },
	func(*rand.Rand) landing { return all },
	func(r *rand.Rand) landing { // whole writes
		landed := map[*change]bool{}
		return func(c *change, _ int64) bool {
			there, known := landed[c]
			if !known {
				there = r.IntN(2) == 0
				landed[c] = there
			}
			return there
		}
	},
	func(r *rand.Rand) landing { // torn writes
		return func(*change, int64) bool { return r.IntN(2) == 0 }
	},
}

// Cut returns the files, by name, that a power cut now may leave. The disk
// itself goes on as if nothing had happened.
func (d *Disk) Cut(r *rand.Rand) map[string][]byte {
	names := map[string]*file{}
	setNames(names, d.durable)
	for _, n := range d.pending[:r.IntN(len(d.pending)+1)] {
		setNames(names, n)
	}
	lands := moods[r.IntN(len(moods))](r)
	left := map[string][]byte{}
	for _, name := range slices.Sorted(keysOf(names)) {
		f := names[name]
		image := slices.Clone(f.durable)
		for _, c := range f.pending {
			image = c.apply(image, lands)
		}
		left[name] = image
	}
	return left
}

func keysOf(m map[string]*file) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}
