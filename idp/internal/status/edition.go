package status

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"time"

	"signet/data"
)

const (
	// freshFor is how long a verifier may keep a copy. It is short beside the
	// hour for which the next list is announced before a token names it.
	freshFor = time.Minute
	// signEvery is how long a list goes on that does not change.
	signEvery = 5 * time.Minute
)

// edition is all that is served at a moment.
type edition struct {
	terms
	lists       map[data.StatusListID]*list
	aggregation *Document
	read        time.Time // when the store was asked for it
}

// list is one of an edition.
type list struct {
	document *Document
	set      int // how many bits are
	ends     time.Time
}

// terms are what lists with the same bits have in common: two nodes that know
// the same make documents with the same entity tag.
type terms struct {
	kid    string
	issued time.Time
	period time.Duration
}

// terms are those of a list that is signed now. The time of issue stands still
// for a period, of which a token's life has two at least.
func (s *Service) terms() (t terms, err error) {
	now := s.o.Now()
	if err := s.o.Ring.Ready(now); err != nil {
		return t, err
	}
	signer, err := s.o.Ring.Snapshot().Signer(s.o.Alg)
	if err != nil {
		return t, err
	}
	t.kid = signer.KID()
	t.period = max(min(signEvery, signer.MaxLifetime()/2).Truncate(time.Second), time.Second)
	t.issued = now.UTC().Truncate(t.period)
	return t, nil
}

// etag is weak (RFC 9110, section 8.8.1): with PS256 the signatures of two
// nodes differ.
func (t terms) etag(id data.StatusListID, bits []byte) string {
	h := sha256.New()
	h.Write(id[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(t.issued.Unix())))
	h.Write(bits)
	h.Write([]byte(t.kid))
	return `W/"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18]) + `"`
}

// rebuild makes the edition of this moment; building is held. What did not
// change stays as it is, for those who wait for it.
func (s *Service) rebuild(ctx context.Context) (*edition, error) {
	t, err := s.terms()
	if err != nil {
		return nil, err
	}
	read := s.o.Now()
	known, err := s.o.Store.StatusLists(ctx)
	if err != nil {
		return nil, err
	}
	was, next := s.edition.Load(), &edition{terms: t, read: read, lists: make(map[data.StatusListID]*list, len(known))}
	uris := make([]string, 0, len(known))
	for _, l := range known {
		if next.lists[l.ID], err = s.list(ctx, t, l, was); err != nil {
			return nil, err
		}
		uris = append(uris, s.o.Mint.StatusListURI(l.ID))
	}
	if next.aggregation, err = aggregation(uris, was.aggregation); err != nil {
		return nil, err
	}
	s.edition.Store(next)
	was.retire(next)
	return next, nil
}

// list is the list with its bits as they are: signed, unless it was already.
func (s *Service) list(ctx context.Context, t terms, l data.StatusList, was *edition) (*list, error) {
	bits, set, err := s.o.Store.StatusBits(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	if old := was.lists[l.ID]; old != nil && old.set == set && was.terms == t {
		return &list{document: old.document, set: set, ends: l.EndsAt}, nil
	}
	ttl := min(freshFor, t.period)
	checked, err := s.o.Mint.StatusList(s.o.Alg, l.ID, bits, t.issued, ttl)
	if err != nil {
		return nil, err
	}
	signed, err := s.o.Mint.Sign(checked)
	if err != nil {
		return nil, err
	}
	d := &Document{Body: []byte(signed.Value), ETag: t.etag(l.ID, bits), MaxAge: ttl, changed: make(chan struct{})}
	return &list{document: d, set: set, ends: l.EndsAt}, nil
}

func aggregation(uris []string, was *Document) (*Document, error) {
	body, err := json.Marshal(struct {
		Lists []string `json:"status_lists"`
	}{uris})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	if was != nil && was.ETag == etag {
		return was, nil
	}
	return &Document{Body: body, ETag: etag, MaxAge: freshFor, changed: make(chan struct{})}, nil
}

// retire wakes those who wait for what is another document in next, or gone.
func (e *edition) retire(next *edition) {
	for id, l := range e.lists {
		if now := next.lists[id]; now == nil || now.document != l.document {
			close(l.document.changed)
		}
	}
	if e.aggregation != nil && e.aggregation != next.aggregation {
		close(e.aggregation.changed)
	}
}
