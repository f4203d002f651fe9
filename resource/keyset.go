package resource

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// keySet is the keys that an issuer publishes, by kid.
type keySet struct {
	keys map[string]Key
	rev  uint64 // grows with each change where the issuer is Signet; else 0
}

// readKeys reads a JWK Set. Keys of every algorithm are kept, whatever WithAlgs
// says: that is about access tokens, and status lists may be signed otherwise.
func (f *follower) readKeys(body []byte) (keySet, time.Duration, error) {
	keys, ignored, err := parseJWKS(body)
	if len(ignored) > 0 { // one line, however many entries an issuer thinks of
		f.logger.Warn("some published keys are not usable", "issuer", f.issuer, "how_many", len(ignored), "first", ignored[0])
	}
	return keySet{keys, revOf(body)}, defaultMaxAge, err
}

// revOf reads the number of a set. What another issuer means by such a member
// is no number, or it grows just so.
func revOf(body []byte) uint64 {
	var set struct {
		Rev jsontext.Value `json:"rev"`
	}
	if json.Unmarshal(body, &set) != nil {
		return 0
	}
	rev, err := strconv.ParseUint(string(set.Rev), 10, 64)
	if err != nil {
		return 0
	}
	return rev
}

// joinKeys takes what came for all that is published, and logs what that
// changes. Of an issuer of several nodes, one may not have heard yet, or may be
// cut off, and answer with an earlier set than the last node did: it brings no
// revoked key back, and takes no new one away.
func (f *follower) joinKeys(old *keySet, came keySet) (keySet, error) {
	if old != nil {
		if came.rev != 0 && came.rev < old.rev {
			return *old, errOldCopy
		}
		keepIdentity(old.keys, came.keys)
		for kid := range old.keys {
			if _, ok := came.keys[kid]; !ok {
				f.logger.Info("a key is no longer published", "issuer", f.issuer, "kid", kid)
			}
		}
	}
	if len(came.keys) == 0 {
		f.logger.Warn("the issuer publishes no usable key", "issuer", f.issuer)
	}
	return came, nil
}

// keepIdentity replaces the keys that were known already by themselves, so that
// they stay equal by pointer.
func keepIdentity(old, came map[string]Key) {
	for kid, key := range came {
		if before, ok := old[kid]; ok && before.same(key) {
			came[kid] = before
		}
	}
}
