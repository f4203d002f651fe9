package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"signet/resource/token"
)

// maxListBody bounds a Status List Token, in bytes: token.MaxStatusBytes of
// bits that cannot be packed, twice in base64, with what stands around them.
const maxListBody = 2 << 20

// statusList is one list that is followed.
type statusList struct {
	*watch[listed]
	uri   string
	ended time.Time // when its issuer was found not to know it; guarded by lists.mu
}

// listed is what a verified Status List Token says, and who signed it.
type listed struct {
	token.StatusList
	key Key
}

// judge says whether the token with this index may be used. Who needs to know
// more for that than is known waits for it.
func (l *statusList) judge(ctx context.Context, index uint32) error {
	e := l.last.Load()
	err := l.check(e, index)
	if err == nil || !errors.Is(err, ErrUnavailable) {
		return err
	}
	if l.ask(ctx, e) != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
	return l.check(l.last.Load(), index)
}

// check is judge by what e says. Revoked is for good, however long ago it was
// heard.
func (l *statusList) check(e *edition[listed], index uint32) error {
	if e == nil {
		return l.unknown()
	}
	revoked, ok := e.value.Revoked(index)
	switch {
	case !ok:
		return errNoPlace
	case revoked:
		return ErrRevoked
	case !l.failOpen && l.stale(e):
		return errStaleList
	}
	return nil
}

// unknown judges by a list that was never there, or is no longer. When the
// issuer says that it has no such list that is final, and no outage.
func (l *statusList) unknown() error {
	switch problem := l.trouble(); {
	case problem == nil:
		return errNoListYet
	case isGone(problem):
		return errNoList
	case l.failOpen:
		return nil
	}
	return errNoListYet
}

// isGone says whether an issuer answered that there is no such thing.
func isGone(err error) bool {
	return errors.Is(err, statusError(http.StatusNotFound)) || errors.Is(err, statusError(http.StatusGone))
}

var (
	errNoStatus  = fmt.Errorf("%w: it names no list, and its issuer has some", ErrStatus)
	errNoPlace   = fmt.Errorf("%w: its list has no such place", ErrStatus)
	errNoList    = fmt.Errorf("%w: its issuer does not know the list", ErrStatus)
	errNoListYet = fmt.Errorf("%w: the status list was not fetched yet", ErrUnavailable)
	errStaleList = fmt.Errorf("%w: the status list is too old", ErrUnavailable)
)

// Why a Status List Token is not believed.
var (
	errListTyp    = errors.New("not a Status List Token")
	errListHeader = errors.New("its header is not accepted")
	errListSigner = errors.New("it was signed with a key that its issuer does not publish")
	errListKey    = errors.New("its algorithm is not that of its key")
	errListIssuer = errors.New("it is another issuer's")
	errListName   = errors.New("it is another list")
	errListTime   = errors.New("it is from the future, or not dated")
	errListOver   = errors.New("it has expired")
	errListShrunk = errors.New("it has become shorter")
)

// read verifies a Status List Token as strictly as an access token (Token
// Status List, sections 5.1 and 8.3): by a key of the same issuer, of any
// algorithm that is known here.
func (s *lists) read(uri string, body []byte) (listed, time.Duration, error) {
	c, err := token.ParseCompactLimit(string(body), maxListBody)
	if err != nil {
		return listed{}, 0, err
	}
	switch {
	case !token.IsTyp(c.Header.Typ, token.TypStatusList):
		return listed{}, 0, errListTyp
	case !plain(c.Header):
		return listed{}, 0, errListHeader
	}
	key, err := s.from.signer(s.from.crew.ctx, c)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return listed{}, 0, errListSigner
	case errors.Is(err, ErrAlgorithm):
		return listed{}, 0, errListKey
	case err != nil:
		return listed{}, 0, err
	}
	list, err := token.ParseStatusList(c.Payload)
	if err != nil {
		return listed{}, 0, err
	}
	l, good := listed{list, key}, defaultMaxAge
	if l.TTL > 0 {
		good = l.lasts()
	}
	return l, good, s.admit(uri, list)
}

// lasts is how long the list says that it is good. Of a cache on the way that
// would keep it for longer nothing is believed (Token Status List, section 8.2).
func (l listed) lasts() time.Duration {
	if l.TTL == 0 {
		return longestMaxAge
	}
	return time.Duration(l.TTL) * time.Second
}

// admit wants of a list that it is this one, and of now. Its iss, which it need
// not have (Token Status List, section 5.1), adds nothing to its name and its
// key, and must not say otherwise.
func (s *lists) admit(uri string, list token.StatusList) error {
	now := s.now()
	switch {
	case list.Issuer != "" && list.Issuer != s.from.issuer:
		return errListIssuer
	case list.Subject != uri:
		return errListName
	case list.IssuedAt == 0 || list.IssuedAt.Time().After(now.Add(s.skew)):
		return errListTime
	case list.Expiry != 0 && !now.Before(list.Expiry.Time()):
		return errListOver
	}
	return nil
}

// joinBits adds the bits that came to those that are known: what was revoked
// once is revoked, whoever answers with an older copy. An older copy is one
// that lacks a bit and was not signed later; a later one is the issuer's word
// of today, also of an issuer that lost some bits with its disk.
func joinBits(old *listed, came listed) (listed, error) {
	if old == nil {
		return came, nil
	}
	if len(came.Bits) < len(old.Bits) {
		return listed{}, errListShrunk
	}
	lacks := false
	for i, known := range old.Bits {
		lacks = lacks || known&^came.Bits[i] != 0
		came.Bits[i] |= known
	}
	if !lacks || came.IssuedAt > old.IssuedAt {
		return came, nil
	}
	known := *old
	known.Bits = came.Bits
	return known, errOldCopy
}

// good says whether a list that did not change is still what its issuer would
// say: the key that signed it is published, and its own time is not over.
func (s *lists) good(l listed) bool {
	key, err := s.from.find(s.from.keys.last.Load(), l.key.ID, l.key.Alg)
	return err == nil && key.same(l.key) && (l.Expiry == 0 || s.now().Before(l.Expiry.Time()))
}
