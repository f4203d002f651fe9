package bolt

import (
	"encoding/binary"
	"fmt"
)

// tail is what a run ends with: where the hand was when it had been written, and
// how many entries there had been.
type tail struct {
	hand    hand
	entries uint64
}

// What became of a key, as a run says it: one of these, and behind runValue the
// value, whose length less one is added to it.
const (
	runDeleted = iota
	runPlaced  // the pair is in its place, whatever earlier runs say
	runValue
)

func runKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// appendEntry adds an entry to a run. Its value lies at the end.
func appendEntry(run []byte, key string, what uint64, value []byte) []byte {
	run = binary.AppendUvarint(run, uint64(len(key)))
	run = append(run, key...)
	run = binary.AppendUvarint(run, what)
	return append(run, value...)
}

// appendTail ends a run. Its last four bytes say how long the tail is.
func appendTail(run []byte, t tail) []byte {
	entries := len(run)
	run = binary.AppendUvarint(run, t.hand.lap)
	run = binary.AppendUvarint(run, t.entries)
	run = append(run, t.hand.key...)
	return binary.BigEndian.AppendUint32(run, uint32(len(run)-entries))
}

// readTail returns the tail of a run, and the entries before it.
func readTail(run []byte) (t tail, entries []byte, err error) {
	bad := fmt.Errorf("no tail in %d bytes", len(run))
	end := len(run) - 4
	if end < 0 {
		return t, nil, bad
	}
	length := int64(binary.BigEndian.Uint32(run[end:]))
	if length > int64(end) {
		return t, nil, bad
	}
	entries, rest := run[:end-int(length)], run[end-int(length):end]
	for _, number := range []*uint64{&t.hand.lap, &t.entries} {
		value, n := binary.Uvarint(rest)
		if n <= 0 {
			return t, nil, bad
		}
		*number, rest = value, rest[n:]
	}
	t.hand.key = string(rest)
	return t, entries, nil
}

// eachEntry calls fn for each of the entries of a run, with where its value lies.
func eachEntry(run []byte, fn func(key string, what uint64, at, size int)) error {
	for at := 0; at < len(run); {
		key, next, err := readKey(run, at)
		if err != nil {
			return err
		}
		what, n := binary.Uvarint(run[next:])
		if n <= 0 || what > uint64(len(run))+runValue {
			return fmt.Errorf("no entry at %d of %d", next, len(run))
		}
		size := 0
		if what >= runValue {
			size = int(what-runValue) + 1
		}
		if at = next + n; size > len(run)-at {
			return fmt.Errorf("a value of %d bytes at %d of %d", size, at, len(run))
		}
		fn(key, what, at, size)
		at += size
	}
	return nil
}

// readKey reads the key at at, and says where it ends.
func readKey(run []byte, at int) (key string, end int, err error) {
	length, n := binary.Uvarint(run[at:])
	if n <= 0 || length > uint64(len(run)-at-n) {
		return "", 0, fmt.Errorf("no key at %d of %d", at, len(run))
	}
	at += n
	end = at + int(length)
	return string(run[at:end]), end, nil
}
