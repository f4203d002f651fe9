package keys

import (
	"fmt"
	"time"
)

// view is a record as one node knows it, and when the store last confirmed
// it. All that a node may do with it depends on its age.
type view struct {
	rec       *record
	confirmed time.Time
}

// age is how long ago the store confirmed the view: by the monotonic clock,
// which no one sets, or by the wall clock where that says more, since the
// monotonic one stands still while a machine sleeps. It is never negative.
func (v *view) age(now time.Time) time.Duration {
	return max(0, now.Sub(v.confirmed), now.Round(0).Sub(v.confirmed.Round(0)))
}

// maxAge is how long a copy made now may be used: it shrinks with the age of
// the view, so that a copy expires when the original would have.
func (v *view) maxAge(now time.Time) time.Duration {
	return max(0, time.Duration(v.rec.MaxAge)-v.age(now))
}

// lapsed returns why the view may not be acted on any more, or nil.
func (v *view) lapsed(now time.Time) error {
	if age, lease := v.age(now), time.Duration(v.rec.Schedule.Lease); age >= lease {
		return fmt.Errorf("%w: the store last confirmed it %s ago, the lease is %s", ErrLease, age.Round(time.Millisecond), lease)
	}
	return nil
}

// signing returns the key that signs for a line: its own active key, else
// the default line's, else that of any line.
func (v *view) signing(alg Alg) (*keyRecord, error) {
	if k := v.rec.find(alg, Active); k != nil {
		return k, nil
	}
	if k := v.rec.find(v.rec.Schedule.Lines[0], Active); k != nil {
		return k, nil
	}
	for i := range v.rec.Keys {
		if v.rec.Keys[i].State == Active {
			return &v.rec.Keys[i], nil
		}
	}
	return nil, ErrNoSigner
}
