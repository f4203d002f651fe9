package jose

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Audience is the aud claim: a string or an array of strings (RFC 7519,
// section 4.1.3). It is written as an array.
type Audience []string

// Has says whether one of a is name. Audiences are compared byte by byte.
func (a Audience) Has(name string) bool { return slices.Contains(a, name) }

// UnmarshalJSONFrom reads either form.
func (a *Audience) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"':
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		*a = Audience{t.String()}
		return nil
	case '[':
		return json.UnmarshalDecode(d, (*[]string)(a))
	}
	return errClaim(d)
}

// NumericDate is a time in seconds since 1970 (RFC 7519, section 2). Zero
// stands for a claim that is not there.
type NumericDate int64

// maxDate is the last second of the year 9999. Nothing that adds a skew or a
// lifetime to a date before it overflows.
const maxDate = 253402300799

// At is t as a NumericDate; fractions of a second are cut off.
func At(t time.Time) NumericDate { return NumericDate(t.Unix()) }

// Time is d as a time, and the zero time for a claim that is not there.
func (d NumericDate) Time() time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Unix(int64(d), 0)
}

// UnmarshalJSONFrom reads a number; others may write fractions, which are cut
// off. Dates before 1970-01-01T00:00:01Z or after the year 9999 are refused,
// so that none reads as no date.
func (d *NumericDate) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '0' {
		return errClaim(dec)
	}
	t, err := dec.ReadToken()
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseFloat(t.String(), 64)
	if err != nil || seconds < 1 || seconds > maxDate {
		return errRange
	}
	*d = NumericDate(seconds)
	return nil
}

var (
	errKind  = errors.New("a claim has another type than it should")
	errRange = errors.New("a date is out of range")
)

// errClaim leaves the value behind: a method that reads itself must read it.
func errClaim(d *jsontext.Decoder) error {
	if err := d.SkipValue(); err != nil {
		return err
	}
	return errKind
}
