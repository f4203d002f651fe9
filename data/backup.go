package data

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"signet/data/kv"
)

// A backup is a file that every engine can be filled from:
//
//	magic      "signet backup\n"
//	header     its length (4 bytes big-endian), and a backupHeader as JSON
//	pairs      in the order of the keys, each once: the lengths of key and
//	           value (4 bytes big-endian each), key, value
//	end        a length of 0, and the number of pairs (8 bytes big-endian)
//	trailer    the SHA-256 of all of this, and nothing after it
//
// It is as secret as the store: useless without the master key, and full of
// e-mails and password hashes. The sum finds damage; it is no signature.
const backupMagic = "signet backup\n"

const maxBackupHeader = 1 << 16

// ErrBackup says that something is not a whole and sound backup.
var ErrBackup = errors.New("data: not a sound backup")

func badBackup(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBackup, fmt.Sprintf(format, args...))
}

type backupHeader struct {
	V           int       `json:"v"`
	CreatedAt   time.Time `json:"created_at"`
	StoreID     string    `json:"store_id"`
	Incarnation string    `json:"incarnation"`
}

func (h *backupHeader) kind() string  { return "backup" }
func (h *backupHeader) version() *int { return &h.V }

// BackupInfo says what is in a backup.
type BackupInfo struct {
	CreatedAt   time.Time `json:"created_at"`
	StoreID     string    `json:"store_id"`
	Incarnation string    `json:"incarnation"`
	Users       int       `json:"users"`
	Grants      int       `json:"grants"`
	Pairs       int       `json:"pairs"`
	Bytes       int64     `json:"bytes"` // of the whole file
}

func (i *BackupInfo) count(key []byte) {
	i.Pairs++
	switch {
	case bytes.HasPrefix(key, []byte(userPrefix)):
		i.Users++
	case bytes.HasPrefix(key, []byte(grantPrefix)):
		i.Grants++
	}
}

// Backup writes the store as it is at one moment to w. Nobody waits for it.
func (s *Store) Backup(ctx context.Context, w io.Writer) (info BackupInfo, err error) {
	h := backupHeader{CreatedAt: s.now(), StoreID: s.meta.StoreID, Incarnation: s.meta.Incarnation}
	info = BackupInfo{CreatedAt: h.CreatedAt, StoreID: h.StoreID, Incarnation: h.Incarnation}
	header, err := encode(&h)
	if err != nil {
		return info, err
	}
	b := &backupWriter{w: bufio.NewWriterSize(w, 1<<16), sum: sha256.New()}
	b.write([]byte(backupMagic))
	b.number(len(header))
	b.write(header)
	err = s.engine.View(ctx, func(r kv.Reader) error {
		return r.Scan(nil, nil, func(key, value []byte) bool {
			if string(key) == moveKey { // it is about this place, and not in the store
				return true
			}
			info.count(key)
			b.number(len(key))
			b.number(len(value))
			b.write(key)
			b.write(value)
			return b.err == nil && ctx.Err() == nil
		})
	})
	if err = errors.Join(err, context.Cause(ctx)); err != nil {
		return info, err
	}
	b.number(0)
	b.write(binary.BigEndian.AppendUint64(nil, uint64(info.Pairs)))
	b.write(b.sum.Sum(nil))
	if b.err == nil {
		b.err = b.w.Flush()
	}
	info.Bytes = b.n
	return info, b.err
}

// backupWriter keeps the first error, so that its users need not.
type backupWriter struct {
	w   *bufio.Writer
	sum hash.Hash
	n   int64
	err error
}

func (b *backupWriter) write(p []byte) {
	if b.err != nil {
		return
	}
	b.sum.Write(p)
	b.n += int64(len(p))
	_, b.err = b.w.Write(p)
}

func (b *backupWriter) number(n int) { b.write(binary.BigEndian.AppendUint32(nil, uint32(n))) }

// ReadBackup calls fn with each pair of the backup, in the order of the keys,
// and checks the whole. Nothing that fn got counts before ReadBackup returns
// without an error: the sum comes last. A backup that is cut, damaged or
// followed by anything is ErrBackup, one of another version ErrVersion. The
// slices are valid during the call only; fn may be nil.
func ReadBackup(r io.Reader, fn func(key, value []byte) error) (info BackupInfo, err error) {
	b := &backupReader{r: bufio.NewReaderSize(r, 1<<16), sum: sha256.New()}
	h, err := b.header()
	if err != nil {
		return info, err
	}
	info = BackupInfo{CreatedAt: h.CreatedAt, StoreID: h.StoreID, Incarnation: h.Incarnation}
	var last []byte
	for {
		key, value, err := b.pair()
		if err != nil {
			return info, err
		}
		if key == nil {
			break
		}
		if bytes.Compare(last, key) >= 0 {
			return info, badBackup("pair %d is out of order", info.Pairs+1)
		}
		last = append(last[:0], key...)
		info.count(key)
		if fn != nil {
			if err := fn(key, value); err != nil {
				return info, err
			}
		}
	}
	err = b.end(info.Pairs)
	info.Bytes = b.n
	return info, err
}

type backupReader struct {
	r   *bufio.Reader
	sum hash.Hash
	n   int64
	buf bytes.Buffer
}

// read returns the next n bytes, which are valid until the next read. It takes
// no more memory than there are bytes, whatever a damaged length says.
func (b *backupReader) read(n int) ([]byte, error) {
	b.buf.Reset()
	got, err := io.CopyN(&b.buf, b.r, int64(n))
	b.n += got
	if err == io.EOF {
		return nil, badBackup("it ends after %d bytes, in the middle", b.n)
	}
	if err != nil {
		return nil, err
	}
	b.sum.Write(b.buf.Bytes())
	return b.buf.Bytes(), nil
}

func (b *backupReader) number() (int, error) {
	p, err := b.read(4)
	if err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint32(p)), nil
}

func (b *backupReader) header() (h backupHeader, err error) {
	magic, err := b.read(len(backupMagic))
	if err != nil || string(magic) != backupMagic {
		return h, errors.Join(badBackup("it does not begin with %q", strings.TrimSpace(backupMagic)), ioFailure(err))
	}
	n, err := b.number()
	if err != nil {
		return h, err
	}
	if n > maxBackupHeader {
		return h, badBackup("its header is damaged")
	}
	text, err := b.read(n)
	if err != nil {
		return h, err
	}
	switch err := decode(text, &h); {
	case errors.Is(err, ErrVersion):
		// Bit rot in a version digit looks like this, too; either way it is
		// no backup that this program can read.
		return h, err
	case err != nil:
		return h, badBackup("its header is damaged")
	}
	return h, nil
}

// pair returns nil at the end.
func (b *backupReader) pair() (key, value []byte, err error) {
	k, err := b.number()
	if err != nil || k == 0 {
		return nil, nil, err
	}
	v, err := b.number()
	if err != nil {
		return nil, nil, err
	}
	if k > kv.MaxKey || v == 0 || v > kv.MaxValue {
		return nil, nil, badBackup("the lengths of a pair are damaged, after %d bytes", b.n)
	}
	p, err := b.read(k + v)
	if err != nil {
		return nil, nil, err
	}
	return p[:k:k], p[k:], nil
}

func (b *backupReader) end(pairs int) error {
	p, err := b.read(8)
	if err != nil {
		return err
	}
	if n := binary.BigEndian.Uint64(p); n != uint64(pairs) {
		return badBackup("it has %d pairs and says %d", pairs, n)
	}
	want := b.sum.Sum(nil)
	got, err := b.read(sha256.Size)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return badBackup("its SHA-256 is another: it was damaged")
	}
	if _, err := b.r.ReadByte(); err != io.EOF {
		return errors.Join(badBackup("something follows its end"), ioFailure(err))
	}
	return nil
}

// ioFailure is err unless it only says that there is nothing more.
func ioFailure(err error) error {
	if errors.Is(err, ErrBackup) || err == io.EOF {
		return nil
	}
	return err
}

func checkPassing(rest, value []byte) error {
	if len(rest) == 1+len(Hash{}) {
		of := map[byte]record{codeKind: &Code{}, requestKind: &Request{}, deviceKind: &Device{}, userCodeKind: &UserCode{},
			sessionKind: &Session{}, initialTokenKind: &InitialToken{}, markKind: &mark{}, countersKind: &Counters{}}
		if r, ok := of[rest[0]]; ok {
			return decode(value, r)
		}
	}
	return fmt.Errorf("%w: a record that ends by itself, of a kind that this program does not know", ErrRecord)
}

// checkPair says what is wrong with a pair, or that it is not one of the table
// at the top of this package.
func checkPair(key, value []byte) error {
	prefix, rest := key, []byte(nil)
	if i := bytes.IndexByte(key, '/'); i >= 0 {
		prefix, rest = key[:i+1], key[i+1:]
	}
	switch string(prefix) {
	case metaKey:
		return decode(value, &Meta{})
	case userPrefix:
		return decode(value, &User{})
	case invitationPrefix:
		return decode(value, &Invitation{})
	case grantPrefix:
		return decode(value, &Grant{})
	case clientPrefix:
		return decode(value, &Client{})
	case consentPrefix:
		return decode(value, &Consent{})
	case endingPrefix:
		return decode(value, &Ending{})
	case nodePrefix:
		return decode(value, &Node{})
	case deliveryPrefix:
		return decode(value, &Delivery{})
	case passingPrefix:
		return checkPassing(rest, value)
	case statusListPrefix:
		return decode(value, &StatusList{})
	case blockPrefix:
		return decode(value, &Block{})
	case revocationPrefix:
		return decode(value, &Revocation{})
	case revokedKey:
		if len(value) == 8 {
			return nil
		}
	case emailPrefix, costPrefix, holdsPrefix, clientHoldsPrefix, expiryPrefix, cellPrefix, unusedPrefix, signedInPrefix:
		if len(rest) > 0 {
			return nil
		}
	case statusBitPrefix:
		if id := len(StatusListID{}); len(rest) > id {
			if _, ok := parseStatusIndex(rest[id:]); ok {
				return nil
			}
		}
	case throttleKey:
		return nil
	}
	return fmt.Errorf("%w: a key of a kind that this program does not know", ErrRecord)
}
