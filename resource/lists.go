package resource

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	// maxLists bounds the lists of one issuer. Those that were only announced
	// leave half of it to those that a token names.
	maxLists     = 64
	maxAnnounced = maxLists / 2
)

// lists follows the status lists of one issuer: those that its tokens name, and
// once there is one, those that it announces.
type lists struct {
	options // with the bounds of lists in place of those of keys
	from    *follower

	mu    sync.Mutex
	byURI map[string]*statusList
	index *watch[[]string] // the issuer's lists, or nil while none is followed or where nothing says them
}

func newLists(f *follower) *lists {
	o := f.options
	o.maxStale = o.statusMaxStale
	o.wait = min(o.wait, o.maxStale/3).Truncate(time.Second)
	return &lists{options: o, from: f, byURI: make(map[string]*statusList)}
}

// of returns the list that a verified token names. It is followed from then on.
func (s *lists) of(uri string) (*statusList, error) {
	if !ownURL(s.from.issuer, uri) {
		return nil, fmt.Errorf("%w: its list is not at its issuer", ErrStatus)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.byURI[uri]
	if l == nil || s.mayAskAgain(l) {
		l = s.follow(uri, maxLists)
	}
	if l == nil {
		return nil, fmt.Errorf("%w: the issuer has more than %d status lists", ErrUnavailable, maxLists)
	}
	return l, nil
}

// mayAskAgain says of a list that its issuer did not know whether the cooldown
// is over; s.mu is held.
func (s *lists) mayAskAgain(l *statusList) bool {
	return !l.ended.IsZero() && since(s.now(), l.ended) >= s.cooldown
}

// follow begins to follow a list, if there is room; s.mu is held.
func (s *lists) follow(uri string, room int) *statusList {
	for known, l := range s.byURI {
		if s.mayAskAgain(l) {
			delete(s.byURI, known)
		}
	}
	if len(s.byURI) >= room {
		return nil
	}
	l := &statusList{uri: uri}
	l.watch = newWatch(s.from.crew, s.from.issuer, s.options, s.from.fetch.as(DocumentList, "application/statuslist+jwt", maxListBody), document[listed]{
		name:   "a status list",
		pace:   listPace,
		locate: func() (string, error) { return uri, nil },
		read:   func(body []byte) (listed, time.Duration, error) { return s.read(uri, body) },
		join:   joinBits,
		lasts:  listed.lasts,
		holds:  s.good,
		over:   func(err error) bool { return s.over(l, err) },
	})
	s.byURI[uri] = l
	l.begin()
	if s.index == nil && s.from.listsURI() != "" {
		s.index = s.followIndex()
		s.index.begin()
	}
	return l
}

// over ends a list that its issuer no longer has, unless the issuer says in
// another place that it does: then something on the way is wrong.
func (s *lists) over(l *statusList, err error) bool {
	if !isGone(err) {
		return false
	}
	s.mu.Lock()
	index := s.index
	s.mu.Unlock()
	if index != nil && (index.await() != nil || slices.Contains(index.last.Load().value, l.uri)) {
		return false
	}
	s.mu.Lock()
	l.ended = s.now()
	s.mu.Unlock()
	l.end(err)
	s.logger.Info("a status list is no longer published", "issuer", s.from.issuer, "list", l.uri)
	return true
}

// followIndex follows the issuer's document about its lists (Token Status List,
// section 9.3), so that the next list is there before a token names it. It is
// read when its cache headers say so: a request that waits for it would cost
// the issuer more than it brings.
func (s *lists) followIndex() *watch[[]string] {
	o := s.options
	o.wait = 0
	return newWatch(s.from.crew, s.from.issuer, o, s.from.fetch.as(DocumentLists, "application/json", maxBody), document[[]string]{
		name:   "the list of status lists",
		locate: s.locateIndex,
		read:   readIndex,
		join:   func(_ *[]string, came []string) ([]string, error) { return came, nil },
		heard:  s.announced,
	})
}

func (s *lists) locateIndex() (string, error) {
	if uri := s.from.listsURI(); uri != "" {
		return uri, nil
	}
	return "", errors.New("the issuer no longer says where it is")
}

func readIndex(body []byte) ([]string, time.Duration, error) {
	var index struct {
		Lists *[]string `json:"status_lists"`
	}
	if err := json.Unmarshal(body, &index); err != nil || index.Lists == nil {
		return nil, 0, errors.New("not a list of status lists") // the decoder's error would quote the body
	}
	return *index.Lists, defaultMaxAge, nil
}

// announced follows what the issuer says it has.
func (s *lists) announced(uris []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, uri := range uris {
		if l := s.byURI[uri]; (l == nil || s.mayAskAgain(l)) && ownURL(s.from.issuer, uri) {
			s.follow(uri, maxAnnounced)
		}
	}
}

// trouble is what became of the last attempt to learn which lists there are.
func (s *lists) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		return nil
	}
	return s.index.trouble()
}

// each calls fn for the lists that are followed.
func (s *lists) each(fn func(*statusList)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.byURI {
		if l.ended.IsZero() {
			fn(l)
		}
	}
}

// listsURI is where the issuer says which lists it has. Where it does, every
// token of its names one.
func (f *follower) listsURI() string {
	if about := f.about.Load(); about != nil {
		return about.StatusLists
	}
	return ""
}
