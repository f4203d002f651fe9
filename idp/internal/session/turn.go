package session

import (
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
	"time"

	"signet/data"
)

const (
	// turnEvery is how long a secret is used before its successor takes over.
	turnEvery = 15 * time.Minute
	// grace is how long requests may be under way with the secret before: longer
	// than a request lives.
	grace = time.Minute
	// seenEvery is how often a visit is written down, at most.
	seenEvery = 5 * time.Minute
)

// decision is what a shown cookie leads to.
type decision struct {
	change    data.Change
	present   bool // the secret is the present one
	successor bool // the browser is to be given the present one
	stolen    bool // the cookie was copied
}

// decide says what the cookie leads to, and changes v accordingly. It may run
// inside a transaction, more than once.
func (s *Service) decide(v *data.Session, shown cookie) decision {
	now := s.now()
	elapsed := now.Sub(v.RotatedAt) // negative under a clock that was set back: young
	hash := data.HashOf(shown.secret)
	present, before := same(hash, v.Secret), !v.Previous.IsZero() && same(hash, v.Previous)
	switch {
	case present && elapsed < turnEvery:
		return decision{change: s.use(v, elapsed, now), present: true}
	case before && elapsed < grace:
		return decision{successor: true}
	case present || before:
		v.RotatedAt, v.Previous = now, hash
		v.Secret = data.HashOf(s.successor(*v, shown).secret)
		s.see(v, now)
		return decision{change: data.Save, successor: true}
	}
	return decision{change: data.End, stolen: true}
}

// use notes a visit where that is due. A visit after the grace also shows that
// the answer with this secret has arrived, and that the one before is spent.
func (s *Service) use(v *data.Session, elapsed time.Duration, now time.Time) data.Change {
	if now.Sub(v.SeenAt) < min(seenEvery, s.o.Idle/8) {
		return data.Keep
	}
	if elapsed >= grace {
		v.Previous = data.Hash{}
	}
	s.see(v, now)
	return data.Save
}

// see notes the visit: the session's end slides, and stops at its limit.
func (s *Service) see(v *data.Session, now time.Time) {
	v.SeenAt, v.ExpiresAt = now, now.Add(s.o.Idle)
	if v.ExpiresAt.After(v.MaxAt) {
		v.ExpiresAt = v.MaxAt
	}
}

// successor is the cookie that follows c, whose secret became v's previous one.
// It is computed and not drawn, so that all requests under way with c get the
// same; each turn has another, by its time.
func (s *Service) successor(v data.Session, c cookie) cookie {
	return newCookie(c.name, s.derive("session successor", c.name, c.secret, v.RotatedAt.Format(time.RFC3339Nano)))
}

func (s *Service) derive(purpose string, about ...string) string {
	key := s.o.Secret.Derive(purpose, about...)
	return base64.RawURLEncoding.EncodeToString(key[:])
}

func same(a, b data.Hash) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

func (s *Service) stolen(left []Left) {
	for _, l := range left {
		s.o.Logger.Warn("a spent session cookie came back, and its session was ended",
			slog.String("event", "session_cookie_reused"), slog.String("session", l.Session.String()), slog.String("user", string(l.Account.User)))
	}
}
