package keys

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// State is where a key is in its life.
type State string

// The states of a key, in their order.
const (
	Pending  State = "pending"  // in the JWKS, does not sign yet
	Active   State = "active"   // in the JWKS, signs
	Retiring State = "retiring" // in the JWKS, signs no more
	Gone     State = "gone"     // in no JWKS; its private half is destroyed
)

const recordVersion = 1

// record is the whole ring as the store keeps it.
type record struct {
	V   int    `json:"v"`
	Rev uint64 `json:"rev"` // counts the changes, so that a node never goes back

	Schedule schedule `json:"schedule"`
	// MaxAge is in force: no JWKS made from this record is served with more.
	MaxAge duration `json:"max_age"`
	// CopiesUntil is when the last copy expires that was served under an
	// earlier, longer max-age.
	CopiesUntil time.Time `json:"copies_until,omitzero"`
	// LeasesUntil is when the last node stops that acts on an earlier,
	// longer lease.
	LeasesUntil time.Time `json:"leases_until,omitzero"`

	Keys []keyRecord `json:"keys"`
}

// schedule is what the configuration that was adopted last asks for. Nodes
// act on the record's schedule, so two configurations cannot quarrel.
type schedule struct {
	Lines       []Alg    `json:"lines"`
	MaxAge      duration `json:"max_age"`
	RotateEvery duration `json:"rotate_every"`
	Lease       duration `json:"lease"`
	Skew        duration `json:"skew"`
	Lifetime    duration `json:"lifetime"`
}

type keyRecord struct {
	KID         string    `json:"kid"`
	Alg         Alg       `json:"alg"`
	State       State     `json:"state"`
	Published   time.Time `json:"published"`
	ReadyAt     time.Time `json:"ready_at"`
	ActiveSince time.Time `json:"active_since,omitzero"`
	DemotedAt   time.Time `json:"demoted_at,omitzero"`
	Until       time.Time `json:"until,omitzero"`   // of a demoted key: the end of its last token
	GoneAt      time.Time `json:"gone_at,omitzero"` // when it left the JWKS
	Why         string    `json:"why,omitzero"`
	// Lifetime is the longest lifetime that it ever was allowed to sign.
	Lifetime duration       `json:"lifetime"`
	Public   jsontext.Value `json:"public"`          // JWK
	Sealed   string         `json:"sealed,omitzero"` // private JWK, pending and active only
}

// duration is a time.Duration that reads well in a record.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

func newSchedule(c Config) schedule {
	return schedule{
		Lines:       slices.Clone(c.Algs),
		MaxAge:      duration(c.MaxAge()),
		RotateEvery: duration(c.RotateEvery),
		Lease:       duration(c.Lease),
		Skew:        duration(c.Skew),
		Lifetime:    duration(c.lifetime()),
	}
}

func (s schedule) equal(o schedule) bool {
	return slices.Equal(s.Lines, o.Lines) && s.MaxAge == o.MaxAge && s.RotateEvery == o.RotateEvery &&
		s.Lease == o.Lease && s.Skew == o.Skew && s.Lifetime == o.Lifetime
}

// find returns the key of a line in a state of which there is at most one,
// or nil.
func (r *record) find(alg Alg, state State) *keyRecord {
	for i := range r.Keys {
		if k := &r.Keys[i]; k.Alg == alg && k.State == state {
			return k
		}
	}
	return nil
}

func (r *record) byKID(kid string) *keyRecord {
	for i := range r.Keys {
		if r.Keys[i].KID == kid {
			return &r.Keys[i]
		}
	}
	return nil
}

// clone copies what a step changes in place.
func (r record) clone() record {
	r.Keys = slices.Clone(r.Keys)
	return r
}

func encode[T any](v T) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("keys: encode the record: %w", err)
	}
	return b, nil
}

// decode reads a record strictly: a release that does not know a member
// would lose it at the next change.
func decode[T any](name string, raw []byte, version int) (v T, err error) {
	var head struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return v, fmt.Errorf("%w: %s: %w: restore the store from a backup", ErrDamaged, name, err)
	}
	if head.V != version {
		return v, fmt.Errorf("%w: %s has version %d, this release reads %d: run the release that wrote it",
			ErrVersion, name, head.V, version)
	}
	if err := json.Unmarshal(raw, &v, json.RejectUnknownMembers(true)); err != nil {
		return v, fmt.Errorf("%w: %s: %w: restore the store from a backup", ErrDamaged, name, err)
	}
	return v, nil
}

func parseRecord(raw []byte) (record, error) {
	r, err := decode[record]("the key ring", raw, recordVersion)
	if err != nil {
		return record{}, err
	}
	if err := r.check(); err != nil {
		return record{}, fmt.Errorf("%w: the key ring: %w: restore the store from a backup", ErrDamaged, err)
	}
	return r, nil
}

// check holds a record against what every step keeps true.
func (r *record) check() error {
	s := r.Schedule
	if len(s.Lines) == 0 || r.MaxAge <= 0 || s.MaxAge <= 0 || s.RotateEvery <= 0 ||
		s.Lease <= 0 || s.Skew < 0 || s.Lifetime <= 0 {
		return fmt.Errorf("its schedule is not one")
	}
	type slot struct {
		alg   Alg
		state State
	}
	kids, slots := map[string]bool{}, map[slot]bool{}
	for i := range r.Keys {
		k := &r.Keys[i]
		if kids[k.KID] {
			return fmt.Errorf("key %q is there twice", k.KID)
		}
		kids[k.KID] = true
		if err := k.check(); err != nil {
			return fmt.Errorf("key %q: %w", k.KID, err)
		}
		if at := (slot{k.Alg, k.State}); k.State == Pending || k.State == Active {
			if slots[at] {
				return fmt.Errorf("two %s keys are %s", k.Alg, k.State)
			}
			slots[at] = true
		}
	}
	return nil
}

func (k *keyRecord) check() error {
	mayHold := k.State == Pending || k.State == Active
	switch {
	case k.KID == "" || !k.Alg.Known():
		return fmt.Errorf("no kid, or the unknown alg %q", k.Alg)
	case k.Public.Kind() != '{':
		return fmt.Errorf("no public half")
	case mayHold != (k.Sealed != ""):
		return fmt.Errorf("a %s key with its private half present: %t", k.State, k.Sealed != "")
	case k.Lifetime <= 0 || k.Published.IsZero() || k.ReadyAt.IsZero():
		return fmt.Errorf("a time is missing")
	}
	switch k.State {
	case Pending:
	case Active:
		if k.ActiveSince.IsZero() {
			return fmt.Errorf("active since no time")
		}
	case Retiring:
		if k.Until.IsZero() {
			return fmt.Errorf("retiring without an end")
		}
	case Gone:
		if k.GoneAt.IsZero() || k.Why == "" {
			return fmt.Errorf("gone without when and why")
		}
	default:
		return fmt.Errorf("unknown state %q", k.State)
	}
	return nil
}
