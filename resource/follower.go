package resource

import (
	"context"
	"fmt"
	"net/url"
	"sync/atomic"

	"signet/resource/token"
)

// follower keeps what an issuer publishes for those who check its tokens: its
// keys, and the status lists that its tokens name.
type follower struct {
	options
	issuer string
	id     *url.URL
	fetch  fetcher
	crew   *crew

	about atomic.Pointer[issuerMetadata] // nil until it was read
	keys  *watch[keySet]
	lists *lists
}

func follow(id *url.URL, issuer string, o options) *follower {
	f := newFollower(id, issuer, o)
	f.keys.begin()
	return f
}

// newFollower returns a follower that asks nobody yet.
func newFollower(id *url.URL, issuer string, o options) *follower {
	f := &follower{options: o, issuer: issuer, id: id, fetch: newFetcher(o), crew: newCrew()}
	f.keys = newWatch(f.crew, issuer, o, f.fetch, document[keySet]{
		name: "keys", pace: keysPace, locate: f.locate, read: f.readKeys, join: f.joinKeys,
	})
	f.lists = newLists(f)
	return f
}

func (f *follower) close() { f.crew.close() }

// locate reads the issuer's metadata, and returns where its keys are.
func (f *follower) locate() (string, error) {
	m, err := discover(f.crew.ctx, f.fetch, f.issuer, f.id, f.insecure)
	if err != nil {
		return "", err
	}
	f.about.Store(&m)
	return m.JWKSURI, nil
}

// Key finds a key that the issuer publishes.
func (f *follower) Key(ctx context.Context, kid string) (Key, error) {
	return f.seek(ctx, kid, func(set *edition[keySet]) (Key, error) { return f.find(set, kid, "") })
}

// signer finds the key that signed c: the one that its kid names, or where it
// has none, the only one for its algorithm.
func (f *follower) signer(ctx context.Context, c token.Compact) (Key, error) {
	return f.seek(ctx, c.Header.KID, func(set *edition[keySet]) (Key, error) {
		key, err := f.find(set, c.Header.KID, c.Header.Alg)
		if err != nil {
			return Key{}, err
		}
		return key, key.signed(c)
	})
}

// seek looks at what is known, and where the issuer may say otherwise by now,
// asks it once and looks at what is new.
func (f *follower) seek(ctx context.Context, kid string, look func(*edition[keySet]) (Key, error)) (Key, error) {
	set := f.keys.last.Load()
	key, err := look(set)
	if !passing(kid, err) {
		return key, err
	}
	if f.keys.ask(ctx, set) != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
	if now := f.keys.last.Load(); now != set {
		key, err = look(now)
	}
	if passing(kid, err) && f.keys.trouble() != nil {
		return Key{}, ErrUnavailable // the key may be new, and nobody can tell
	}
	return key, err
}

// passing says whether other keys would change the answer. What a kid names is
// final; which key is the only one is not.
func passing(kid string, err error) bool {
	switch err {
	case ErrUnknownKey, ErrUnavailable:
		return true
	case ErrHeader, ErrSignature:
		return kid == ""
	}
	return false
}

// find finds the key that kid names in set, or where that is empty, the only
// one for alg. More than one is ErrHeader: to try them in turn would leave to
// chance which one a token means.
func (f *follower) find(set *edition[keySet], kid string, alg token.Alg) (Key, error) {
	if set == nil || !f.failOpen && f.keys.stale(set) {
		return Key{}, ErrUnavailable
	}
	if kid == "" {
		return only(set.value.keys, alg)
	}
	if key, ok := set.value.keys[kid]; ok {
		return key, nil
	}
	return Key{}, ErrUnknownKey
}

// only returns the one key for alg, if there is one.
func only(keys map[string]Key, alg token.Alg) (Key, error) {
	found, err := Key{}, error(ErrUnknownKey)
	for _, key := range keys {
		switch {
		case key.Alg != alg:
		case err == nil:
			return Key{}, ErrHeader
		default:
			found, err = key, nil
		}
	}
	return found, err
}
