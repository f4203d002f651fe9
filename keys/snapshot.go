package keys

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"sync"
	"time"
)

// content is what a version of the record means, opened.
type content struct {
	record  record
	body    []byte // the JWKS
	etag    string
	keys    map[string]*opened // by kid, those in the JWKS
	changed chan struct{}      // closed when a content with another JWKS follows
}

// opened is a key of the JWKS. The ones that sign, or will, have their
// private half.
type opened struct {
	rec keyRecord
	pair
	headers sync.Map // typ -> the header of its tokens, base64url with its dot
}

// newContent opens a record. Keys that old has are not opened again.
func newContent(raw []byte, old *content, s *Sealer) (*content, error) {
	rec, err := parseRecord(raw)
	if err != nil {
		return nil, err
	}
	c := &content{record: rec, keys: map[string]*opened{}}
	var docs [][]byte
	for i := range rec.Keys {
		k := &rec.Keys[i]
		if k.State == Gone {
			continue
		}
		docs = append(docs, k.Public)
		if c.keys[k.KID], err = openKey(k, old, s); err != nil {
			return nil, err
		}
	}
	c.body = jwks(docs, rec.Rev)
	sum := sha256.Sum256(c.body)
	c.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	if old != nil && old.etag == c.etag {
		c.changed = old.changed
	} else {
		c.changed = make(chan struct{})
	}
	return c, nil
}

// jwks makes the document. Its "rev" grows with every change (RFC 7517, section
// 5, lets a set have members of its own): of two copies, whichever nodes and
// caches they came from, it says which is the later one.
func jwks(docs [][]byte, rev uint64) []byte {
	body := append([]byte(`{"keys":[`), bytes.Join(docs, []byte(","))...)
	body = strconv.AppendUint(append(body, `],"rev":`...), rev, 10)
	return append(body, '}')
}

func openKey(k *keyRecord, old *content, s *Sealer) (*opened, error) {
	o := &opened{rec: *k}
	if old != nil {
		if was := old.keys[k.KID]; was != nil && was.rec.Sealed == k.Sealed && bytes.Equal(was.rec.Public, k.Public) {
			o.pair = was.pair
			return o, nil
		}
	}
	var err error
	if k.Sealed != "" {
		o.pair, err = openPair(k, s)
	} else {
		o.public, err = openPublic(k)
	}
	return o, err
}

// Snapshot is the ring as this node knows it at a moment. It never changes;
// ask the ring for a newer one.
type Snapshot struct {
	*content
	view
	clock *clock
}

// JWKS returns the public keys as a JWK Set (RFC 7517, section 5) and its
// strong entity tag, quotes included. Callers must not change body.
//
// Past the lease (see Age) nobody may keep a copy of it: another node may have
// published or revoked a key since.
func (s *Snapshot) JWKS() (body []byte, etag string) { return s.body, s.etag }

// MaxAge is for how long from now the JWKS may be cached. It shrinks with
// the time since the store confirmed the snapshot, never below 0. Round it
// down to whole seconds, never up.
func (s *Snapshot) MaxAge(now time.Time) time.Duration { return s.maxAge(now) }

// Age is how long ago the store confirmed the snapshot, and Left what then
// remains of its lease, 0 once it is over.
func (s *Snapshot) Age(now time.Time) time.Duration { return s.age(now) }

// Left is described at Age.
func (s *Snapshot) Left(now time.Time) time.Duration {
	return max(0, time.Duration(s.rec.Schedule.Lease)-s.age(now))
}

// Changed is closed when a later snapshot has another JWKS.
func (s *Snapshot) Changed() <-chan struct{} { return s.changed }

// Public returns a key that is in the JWKS, or false.
func (s *Snapshot) Public(kid string) (crypto.PublicKey, Alg, State, bool) {
	k, ok := s.keys[kid]
	if !ok {
		return nil, "", "", false
	}
	return k.public, k.rec.Alg, k.rec.State, true
}

// WhyRevoked begins the reason of a key that did not leave in the course of
// things: somebody else may have had it.
const WhyRevoked = "revoked: "

// Ever returns a key that was once in the JWKS and is not any more, with why it
// left, or false. It is for what its owner brings back long after, such as the
// hint of a logout: never accept anything new that it signed.
func (s *Snapshot) Ever(kid string) (public crypto.PublicKey, alg Alg, why string, ok bool) {
	k := s.record.byKID(kid)
	if k == nil || k.State != Gone {
		return nil, "", "", false
	}
	public, err := openPublic(k)
	if err != nil {
		return nil, "", "", false
	}
	return public, k.Alg, k.Why, true
}

// Signer returns what signs for a line: its active key or, while the line
// has none that is ready, the default line's. The Alg of the signer says
// which. It fails with ErrLease, or ErrNoSigner.
func (s *Snapshot) Signer(alg Alg) (*Signer, error) {
	if err := s.lapsed(s.clock.now()); err != nil {
		return nil, err
	}
	k, err := s.signing(alg)
	if err != nil {
		return nil, err
	}
	return &Signer{key: s.keys[k.KID], snapshot: s}, nil
}

// String says nothing of the keys, so that a stray %+v cannot either.
func (s *Snapshot) String() string   { return "key ring, JWKS " + s.etag }
func (s *Snapshot) GoString() string { return s.String() }
