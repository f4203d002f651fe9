package data

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// version is the version of every record that this program writes.
const version = 1

// ErrVersion says that a record was written by another version of Signet. The
// error is a *VersionError.
var ErrVersion = errors.New("data: a record of an unknown version")

// ErrRecord says that a record cannot be read at all.
var ErrRecord = errors.New("data: a record that cannot be read")

// A VersionError names the kind of record and the version that it claims.
type VersionError struct {
	Kind    string
	Version int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("data: a record of kind %s has version %d, and this program reads version %d only",
		e.Kind, e.Version, version)
}

// Unwrap makes a VersionError an ErrVersion.
func (e *VersionError) Unwrap() error { return ErrVersion }

// record is a pointer to one of the stored structs.
type record interface {
	kind() string
	version() *int
}

func encode(r record) ([]byte, error) {
	*r.version() = version
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %s cannot be written: %w", ErrRecord, r.kind(), err)
	}
	return value, nil
}

// decode is strict: a record with members that this program does not know is
// refused, for it would lose them when it is written again.
func decode(value []byte, r record) error {
	err := json.Unmarshal(value, r, json.RejectUnknownMembers(true))
	if err == nil && *r.version() == version {
		return nil
	}
	var probe struct {
		V *int `json:"v"`
	}
	if json.Unmarshal(value, &probe) == nil && probe.V != nil && *probe.V != version {
		return &VersionError{Kind: r.kind(), Version: *probe.V}
	}
	// The decoder's own text may quote the value, so only its kind is told.
	return fmt.Errorf("%w: kind %s", ErrRecord, r.kind())
}
