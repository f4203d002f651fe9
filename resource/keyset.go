package resource

import "time"

// readKeys reads a JWK Set. Keys of every algorithm are kept, whatever WithAlgs
// says: that is about access tokens, and status lists may be signed otherwise.
func (f *follower) readKeys(body []byte) (map[string]Key, time.Duration, error) {
	keys, ignored, err := parseJWKS(body)
	if len(ignored) > 0 { // one line, however many entries an issuer thinks of
		f.logger.Warn("some published keys are not usable", "issuer", f.issuer, "how_many", len(ignored), "first", ignored[0])
	}
	return keys, defaultMaxAge, err
}

// joinKeys takes what came for all that is published, and logs what that
// changes.
func (f *follower) joinKeys(old *map[string]Key, came map[string]Key) (map[string]Key, error) {
	if old != nil {
		keepIdentity(*old, came)
		for kid := range *old {
			if _, ok := came[kid]; !ok {
				f.logger.Info("a key is no longer published", "issuer", f.issuer, "kid", kid)
			}
		}
	}
	if len(came) == 0 {
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
