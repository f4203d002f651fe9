package token

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrClaims says that a payload is no set of claims: not a JSON object with
// unique names, or a known claim has another type than it should.
var ErrClaims = errors.New("token: malformed claims")

// Claims is the payload of an access token (RFC 9068 section 2.2). A field
// with its zero value is an absent claim. Claims that are not named here are
// skipped when read.
type Claims struct {
	Issuer    string   `json:"iss,omitzero"`
	Subject   string   `json:"sub,omitzero"`
	Audience  []string `json:"aud,omitempty"` // always written as an array
	ClientID  string   `json:"client_id,omitzero"`
	IssuedAt  Date     `json:"iat,omitzero"`
	Expiry    Date     `json:"exp,omitzero"`
	NotBefore Date     `json:"nbf,omitzero"`
	ID        string   `json:"jti,omitzero"`
	Scope     string   `json:"scope,omitzero"` // names separated by single spaces
	Roles     []string `json:"roles,omitempty"`
	SessionID string   `json:"sid,omitzero"`
	AuthTime  Date     `json:"auth_time,omitzero"`
	AMR       []string `json:"amr,omitempty"`
}

// Date is a NumericDate (RFC 7519 section 2): whole seconds since 1970. Zero
// stands for no date.
type Date int64

// maxDate is the last second of the year 9999; nothing that adds a skew or a
// lifetime to a date below it overflows.
const maxDate Date = 253402300799

// At is t as a Date; fractions of a second are cut off.
func At(t time.Time) Date { return Date(t.Unix()) }

// Time is d as a time, and the zero time for no date.
func (d Date) Time() time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Unix(int64(d), 0)
}

// Scopes returns the names in the scope claim.
func (c Claims) Scopes() []string { return strings.Fields(c.Scope) }

// Clone returns a copy that shares no memory which could be changed.
func (c Claims) Clone() Claims {
	c.Audience, c.Roles, c.AMR = slices.Clone(c.Audience), slices.Clone(c.Roles), slices.Clone(c.AMR)
	return c
}

// Marshal returns the claims as the JSON that is signed. The same claims
// always give the same bytes.
func (c Claims) Marshal() ([]byte, error) {
	raw, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("token: marshal claims: %w", err)
	}
	return raw, nil
}

// ParseClaims reads a payload strictly: duplicate names, text that is not
// UTF-8, and a known claim of another type, null included, are ErrClaims. It
// checks no value: which claims must be there, and what they must say, is for
// the verifier.
func ParseClaims(payload []byte) (Claims, error) {
	var c Claims
	err := object(payload, func(name string, d *jsontext.Decoder) (err error) {
		switch name {
		case "iss":
			c.Issuer, err = readString(d)
		case "sub":
			c.Subject, err = readString(d)
		case "aud":
			c.Audience, err = readAudience(d)
		case "client_id":
			c.ClientID, err = readString(d)
		case "iat":
			c.IssuedAt, err = readDate(d)
		case "exp":
			c.Expiry, err = readDate(d)
		case "nbf":
			c.NotBefore, err = readDate(d)
		case "jti":
			c.ID, err = readString(d)
		case "scope":
			c.Scope, err = readString(d)
		case "roles":
			c.Roles, err = readStrings(d)
		case "sid":
			c.SessionID, err = readString(d)
		case "auth_time":
			c.AuthTime, err = readDate(d)
		case "amr":
			c.AMR, err = readStrings(d)
		default:
			err = d.SkipValue()
		}
		if errors.Is(err, errKind) {
			return fmt.Errorf("%s: %w", name, err)
		}
		return err
	})
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return c, nil
}

// readAudience reads a string or an array of strings (RFC 7519 section 4.1.3).
func readAudience(d *jsontext.Decoder) ([]string, error) {
	if d.PeekKind() == '"' {
		s, err := readString(d)
		return []string{s}, err
	}
	return readStrings(d)
}

func readStrings(d *jsontext.Decoder) ([]string, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, errSyntax
	}
	if t.Kind() != '[' {
		return nil, errKind
	}
	var out []string
	for d.PeekKind() != ']' {
		s, err := readString(d)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	_, err = d.ReadToken()
	return out, err
}

// readDate reads whole positive seconds up to the year 9999. RFC 7519 allows
// fractions; Signet writes none, and a date with two spellings helps nobody.
func readDate(d *jsontext.Decoder) (Date, error) {
	raw, err := d.ReadValue()
	if err != nil {
		return 0, errSyntax
	}
	if len(raw) > 12 || bytes.ContainsFunc(raw, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, errKind
	}
	var n Date
	for _, digit := range raw {
		n = n*10 + Date(digit-'0')
	}
	if n == 0 || n > maxDate {
		return 0, errKind
	}
	return n, nil
}
