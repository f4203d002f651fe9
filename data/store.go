package data

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"signet/data/kv"
)

// Options are what a Store needs from outside. The zero value is good.
type Options struct {
	Now    func() time.Time // time.Now unless set
	Rand   io.Reader        // crypto/rand.Reader unless set
	Logger *slog.Logger     // slog.Default() unless set

	// Shared says that other issuers may use the store, too, with a configuration
	// that is older or newer.
	Shared bool

	// AccessTTL is the longest that an access token lives: 10 minutes unless
	// set. What a token carries of a status list is kept for that long.
	AccessTTL time.Duration
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.AccessTTL == 0 {
		o.AccessTTL = 10 * time.Minute
	}
	return o
}

// ErrRestoring says that a restore into this store was cut off: what is in it
// is a part of a backup.
var ErrRestoring = errors.New("data: a restore of this store did not finish; remove it and restore again")

// Meta says which store this is.
type Meta struct {
	V       int    `json:"v"`
	StoreID string `json:"store_id"` // stays the same through backup and restore

	// Incarnation is new after each restore; refresh tokens are bound to it.
	// Kept are the earlier ones whose tokens are still accepted, each once,
	// the oldest first.
	Incarnation string   `json:"incarnation"`
	Kept        []string `json:"kept,omitzero"`

	CreatedAt  time.Time `json:"created_at"`
	RestoredAt time.Time `json:"restored_at,omitzero"`
	BackupAt   time.Time `json:"backup_at,omitzero"` // when the backup that was restored was made
}

func (m *Meta) kind() string  { return "meta" }
func (m *Meta) version() *int { return &m.V }

// Lineage lists the incarnations whose refresh tokens are accepted, the oldest
// first, the present one last.
func (m Meta) Lineage() []string { return append(slices.Clip(m.Kept), m.Incarnation) }

// Store is the records on an engine. It is safe for concurrent use.
type Store struct {
	engine kv.Engine
	o      Options
	meta   Meta
	slots  slots
	blocks *blocks

	// What ends by itself.
	Codes         Table[Code, *Code]
	Requests      Table[Request, *Request]
	Devices       Table[Device, *Device]
	UserCodes     Table[UserCode, *UserCode]
	Sessions      Table[Session, *Session]
	InitialTokens Table[InitialToken, *InitialToken]
}

func (s *Store) tables() {
	s.Codes = Table[Code, *Code]{s: s, kind: codeKind}
	s.Requests = Table[Request, *Request]{s: s, kind: requestKind}
	s.Devices = Table[Device, *Device]{s: s, kind: deviceKind}
	s.UserCodes = Table[UserCode, *UserCode]{s: s, kind: userCodeKind}
	s.Sessions = Table[Session, *Session]{s: s, kind: sessionKind, beside: s.besideSession}
	s.InitialTokens = Table[InitialToken, *InitialToken]{s: s, kind: initialTokenKind}
}

// Open reads which store the engine holds, or makes an empty engine a new
// store, durably. An engine that holds something else is refused.
func Open(ctx context.Context, engine kv.Engine, o Options) (*Store, error) {
	s := &Store{engine: engine, o: o.withDefaults()}
	s.tables()
	fresh, err := newMeta(s.o.Rand, s.now())
	if err != nil {
		return nil, err
	}
	if s.blocks, err = newBlocks(engine, s.o.Rand); err != nil {
		return nil, err
	}
	err = engine.Update(ctx, func(tx kv.Tx) (err error) {
		s.meta, err = openMeta(tx, fresh)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Exists tells whether the engine holds a store, and makes none.
func Exists(ctx context.Context, engine kv.Engine) (there bool, err error) {
	err = engine.View(ctx, func(r kv.Reader) error {
		value, err := r.Get([]byte(metaKey))
		there = value != nil
		return err
	})
	return there, err
}

// Close ends what the store watches. It leaves the engine to its owner.
func (s *Store) Close() { s.blocks.stop() }

func newMeta(random io.Reader, now time.Time) (m Meta, err error) {
	m.CreatedAt = now
	if m.StoreID, err = newName(random); err != nil {
		return m, err
	}
	m.Incarnation, err = newName(random)
	return m, err
}

func openMeta(tx kv.Tx, fresh Meta) (m Meta, err error) {
	restoring, err := tx.Get([]byte(restoringKey))
	if err != nil {
		return m, err
	}
	if restoring != nil {
		return m, ErrRestoring
	}
	if err := notMoved(tx); err != nil {
		return m, err
	}
	found, err := get(tx, []byte(metaKey), &m)
	if err != nil || found {
		return m, err
	}
	switch err := checkEmpty(tx); {
	case errors.Is(err, ErrNotEmpty):
		return m, fmt.Errorf("%w: it has records and no record of kind meta", kv.ErrDamaged)
	case err != nil:
		return m, err
	}
	return fresh, put(tx, []byte(metaKey), &fresh)
}

// Meta says which store this is. It does not change while the store is open.
func (s *Store) Meta() Meta {
	m := s.meta
	m.Kept = slices.Clone(m.Kept)
	return m
}

// Reach says why the store does not answer, or nil.
func (s *Store) Reach(ctx context.Context) error {
	return s.engine.View(ctx, func(kv.Reader) error { return nil })
}

func (s *Store) now() time.Time { return s.o.Now().UTC().Round(0) }

// decide runs fn in an Update. A verdict is an answer that the transaction
// found, and is given once all that it read and wrote is durable. An error is a
// failure to find out, and undoes what fn wrote.
func (s *Store) decide(ctx context.Context, fn func(tx kv.Tx) (verdict, err error)) error {
	var verdict error
	err := s.engine.Update(ctx, func(tx kv.Tx) (err error) {
		verdict, err = fn(tx)
		return err
	})
	if err != nil {
		return err
	}
	return verdict
}

// get decodes the record under key into r, if there is one.
func get(tx kv.Reader, key []byte, r record) (found bool, err error) {
	value, err := tx.Get(key)
	if err != nil || value == nil {
		return false, err
	}
	return true, decode(value, r)
}

func put(tx kv.Tx, key []byte, r record) error {
	value, err := encode(r)
	if err != nil {
		return err
	}
	tx.Put(key, value)
	return nil
}

// ErrNotEmpty says that there is something where a backup was to be restored.
var ErrNotEmpty = errors.New("data: the store is not empty")

func checkEmpty(tx kv.Reader) error {
	empty := true
	err := tx.Scan(nil, nil, func(_, _ []byte) bool {
		empty = false
		return false
	})
	if err == nil && !empty {
		err = ErrNotEmpty
	}
	return err
}
