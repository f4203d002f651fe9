package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The head of a bbolt file, as its page.go and meta.go lay it out: a header of
// 16 bytes on each page, and a meta page in each of the first two.
const (
	pageHeader   = 16
	metaBytes    = 64 // after the header
	metaMagic    = 0xED0CDAED
	metaVersion  = 2
	freelistFlag = 0x10
	noFreelist   = ^uint64(0)
)

// meta is what inspect needs of a meta page.
type meta struct {
	pageSize              int64
	root, freelist, pages uint64
	txid                  uint64
}

// inspect looks, before bbolt maps the file and trusts it, for the damage that
// would make bbolt panic, fault or ask for absurd memory at once. It reads three
// pages however large the file is; Engine.Check reads all. oneMeta says that
// only one of the two meta pages is valid, which a power cut may leave behind.
func inspect(r io.ReaderAt, size int64) (oneMeta bool, err error) {
	if size == 0 {
		return false, errors.New("the file is empty; remove it to begin a new store")
	}
	a, errA := readMeta(r, 0)
	var b meta
	var errB error
	if errA == nil {
		b, errB = readMeta(r, a.pageSize)
	} else {
		b, errB = findSecondMeta(r)
	}
	m := a
	switch {
	case errA != nil && errB != nil:
		return false, fmt.Errorf("no valid meta page: %w", errA)
	case errA != nil, errB == nil && b.txid > a.txid:
		m = b
	}
	return errA != nil || errB != nil, m.check(r, size)
}

// findSecondMeta tries the page sizes that bbolt tries when the first meta
// page does not tell.
func findSecondMeta(r io.ReaderAt) (m meta, err error) {
	for at := int64(1 << 10); at <= 1<<24; at <<= 1 {
		if m, err = readMeta(r, at); err == nil && m.pageSize == at {
			return m, nil
		}
	}
	return meta{}, errors.New("no second meta page")
}

func readMeta(r io.ReaderAt, at int64) (meta, error) {
	var page [pageHeader + metaBytes]byte
	if _, err := r.ReadAt(page[:], at); err != nil {
		return meta{}, fmt.Errorf("the file ends in its head: %w", err)
	}
	p, order := page[pageHeader:], binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(p[:metaBytes-8])
	switch {
	case order.Uint32(p[0:]) != metaMagic:
		return meta{}, errors.New("it is no bbolt file")
	case order.Uint32(p[4:]) != metaVersion:
		return meta{}, fmt.Errorf("version %d of the file format, not %d", order.Uint32(p[4:]), metaVersion)
	case order.Uint64(p[metaBytes-8:]) != sum.Sum64():
		return meta{}, errors.New("the checksum is wrong")
	}
	m := meta{
		pageSize: int64(order.Uint32(p[8:])),
		root:     order.Uint64(p[16:]),
		freelist: order.Uint64(p[32:]),
		pages:    order.Uint64(p[40:]),
		txid:     order.Uint64(p[48:]),
	}
	if m.pageSize < 1<<10 || m.pageSize > 1<<24 || m.pageSize&(m.pageSize-1) != 0 {
		return meta{}, fmt.Errorf("a page size of %d", m.pageSize)
	}
	return m, nil
}

// check holds the standing meta page against the file.
func (m meta) check(r io.ReaderAt, size int64) error {
	if m.pages > uint64(size/m.pageSize) {
		return fmt.Errorf("the file has %d bytes, but its last commit needs %d: it was cut short",
			size, m.pages*uint64(m.pageSize))
	}
	if m.root < 2 || m.root >= m.pages {
		return fmt.Errorf("the root is on page %d of %d", m.root, m.pages)
	}
	if m.freelist == noFreelist {
		return nil
	}
	if m.freelist < 2 || m.freelist >= m.pages {
		return fmt.Errorf("the list of free pages is on page %d of %d", m.freelist, m.pages)
	}
	var page [pageHeader + 8]byte
	if _, err := r.ReadAt(page[:], int64(m.freelist)*m.pageSize); err != nil {
		return err
	}
	order := binary.NativeEndian
	if order.Uint64(page[0:]) != m.freelist || order.Uint16(page[8:]) != freelistFlag {
		return fmt.Errorf("page %d is not the list of free pages", m.freelist)
	}
	count := uint64(order.Uint16(page[10:]))
	if count == 0xFFFF { // then the first entry is the count
		count = order.Uint64(page[pageHeader:])
	}
	if count > m.pages {
		return fmt.Errorf("%d free pages of %d", count, m.pages)
	}
	return nil
}
