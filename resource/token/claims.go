package token

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

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
	ACR       string   `json:"acr,omitzero"`

	Confirmation Confirmation `json:"cnf,omitzero"`
	Actor        *Actor       `json:"act,omitzero"`
	Status       Status       `json:"status,omitzero"`
}

// Confirmation is the key that a token is bound to (RFC 7800 section 3). Its
// zero value is a bearer token.
type Confirmation struct {
	JKT string `json:"jkt,omitzero"` // RFC 7638 thumbprint of a DPoP key (RFC 9449 section 6.1)

	// Other says that the claim named something besides JKT, or nothing at
	// all. Whoever cannot check a binding refuses the token: to skip it would
	// make a bearer token of one that was bound. It is set by ParseClaims, and
	// Marshal refuses it.
	Other bool `json:"-"`
}

// Actor is the party that acts for the subject (RFC 8693 section 4.1). The
// outermost one acts now; those inside it acted before, and decide nothing.
type Actor struct {
	Subject  string `json:"sub,omitzero"`
	ClientID string `json:"client_id,omitzero"`
	Actor    *Actor `json:"act,omitzero"`
}

// MaxActors is how many actors a token names at most. Each is one step of a
// delegation, and every token on the way carries those before it.
const MaxActors = 4

// Date is a NumericDate (RFC 7519 section 2) in whole seconds since 1970. Zero
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

// Scopes returns the names in the scope claim. Only a space stands between two
// (RFC 6749 section 3.3): another kind of gap is part of a name.
func (c Claims) Scopes() []string {
	return strings.FieldsFunc(c.Scope, func(r rune) bool { return r == ' ' })
}

// Legible says whether no name in the claims holds a control character or a
// separator of lines, which would be a line break, or the end of the name, to some program that is told
// of it. The issuer and the audience are no names to be told.
func (c Claims) Legible() bool {
	for _, name := range [...]string{c.Subject, c.ClientID, c.ID, c.Scope, c.SessionID, c.ACR} {
		if !legible(name) {
			return false
		}
	}
	for _, names := range [...][]string{c.Roles, c.AMR} {
		for _, name := range names {
			if !legible(name) {
				return false
			}
		}
	}
	for a := c.Actor; a != nil; a = a.Actor {
		if !legible(a.Subject) || !legible(a.ClientID) {
			return false
		}
	}
	return true
}

func legible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// Clone returns a copy that shares no memory which could be changed.
func (c Claims) Clone() Claims {
	c.Audience, c.Roles, c.AMR = slices.Clone(c.Audience), slices.Clone(c.Roles), slices.Clone(c.AMR)
	c.Actor = c.Actor.Clone()
	return c
}

// Clone returns a copy of the whole chain, and nil of nil.
func (a *Actor) Clone() *Actor {
	if a == nil {
		return nil
	}
	b := *a
	b.Actor = a.Actor.Clone()
	return &b
}

// Depth is how many actors the chain has, counted up to one more than
// MaxActors; 0 for nil.
func (a *Actor) Depth() int {
	n := 0
	for ; a != nil && n <= MaxActors; a = a.Actor {
		n++
	}
	return n
}

// Marshal returns the claims as the JSON that is signed. The same claims
// always give the same bytes. Claims that could not be read again as they are
// (another confirmation than JKT, more actors than MaxActors) are ErrClaims.
func (c Claims) Marshal() ([]byte, error) {
	if c.Confirmation.Other {
		return nil, fmt.Errorf("%w: cnf: %w", ErrClaims, errBinding)
	}
	if c.Actor.Depth() > MaxActors {
		return nil, fmt.Errorf("%w: act: %w", ErrClaims, errDepth)
	}
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
			c.IssuedAt, err = readDate(d, 1)
		case "exp":
			c.Expiry, err = readDate(d, 1)
		case "nbf":
			c.NotBefore, err = readDate(d, 0) // some issuers write 0 for never mind
		case "jti":
			c.ID, err = readString(d)
		case "scope":
			c.Scope, err = readString(d)
		case "roles":
			c.Roles, err = readStrings(d)
		case "sid":
			c.SessionID, err = readString(d)
		case "auth_time":
			c.AuthTime, err = readDate(d, 0)
		case "amr":
			c.AMR, err = readStrings(d)
		case "acr":
			c.ACR, err = readString(d)
		case "cnf":
			c.Confirmation, err = readConfirmation(d)
		case "act":
			c.Actor, err = readActor(d, 1)
		case "status":
			c.Status, err = readStatus(d)
		default:
			err = skip(d)
		}
		if errors.Is(err, errKind) || errors.Is(err, errDepth) {
			return fmt.Errorf("%s: %w", name, err)
		}
		return err
	})
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return c, nil
}

var (
	errBinding = errors.New("a binding that is not understood")
	errDepth   = fmt.Errorf("more than %d actors", MaxActors)
)

// readConfirmation never fails for a member that it does not know: whether
// such a token is refused is for the verifier, who sees Other.
func readConfirmation(d *jsontext.Decoder) (c Confirmation, err error) {
	err = members(d, func(name string, d *jsontext.Decoder) (err error) {
		if name == "jkt" {
			c.JKT, err = readString(d)
			return err
		}
		c.Other = true
		return skip(d)
	})
	if c.JKT == "" {
		c.Other = true
	}
	return c, err
}

func readActor(d *jsontext.Decoder, depth int) (*Actor, error) {
	if depth > MaxActors {
		return nil, errDepth
	}
	var a Actor
	err := members(d, func(name string, d *jsontext.Decoder) (err error) {
		switch name {
		case "sub":
			a.Subject, err = readString(d)
		case "client_id":
			a.ClientID, err = readString(d)
		case "act":
			a.Actor, err = readActor(d, depth+1)
		default:
			err = skip(d)
		}
		return err
	})
	return &a, err
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

// readDate reads a number of seconds from least up to the year 9999. Signet
// writes whole ones; others may write a fraction, which is cut off, or an
// exponent (RFC 7519 section 2).
func readDate(d *jsontext.Decoder, least float64) (Date, error) {
	raw, err := d.ReadValue()
	if err != nil {
		return 0, errSyntax
	}
	n, err := strconv.ParseFloat(string(raw), 64) // which holds every second up to maxDate
	if raw.Kind() != '0' || err != nil || n < least || n >= float64(maxDate)+1 {
		return 0, errKind
	}
	return Date(n), nil
}
