package token

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Status is where a token's status is published (Token Status List, section
// 6.1). Its zero value is a token that cannot be taken back before its exp.
type Status struct {
	List StatusRef `json:"status_list,omitzero"`
}

// StatusRef is one place in a status list.
type StatusRef struct {
	Index uint32 `json:"idx"`
	URI   string `json:"uri"`
}

// readStatus skips other ways to publish a status than a list: a verifier that
// wants a list sees that there is none.
func readStatus(d *jsontext.Decoder) (s Status, err error) {
	err = members(d, func(name string, d *jsontext.Decoder) (err error) {
		if name != "status_list" {
			return skip(d)
		}
		s.List, err = readStatusRef(d)
		return err
	})
	return s, err
}

func readStatusRef(d *jsontext.Decoder) (r StatusRef, err error) {
	indexed := false
	err = members(d, func(name string, d *jsontext.Decoder) (err error) {
		switch name {
		case "idx":
			indexed = true
			var n uint64
			n, err = readNumber(d, math.MaxUint32)
			r.Index = uint32(n)
		case "uri":
			r.URI, err = readString(d)
		default:
			err = skip(d)
		}
		return err
	})
	if err == nil && (!indexed || r.URI == "") {
		err = errKind
	}
	return r, err
}

// readNumber reads a whole number up to limit, written in one way: digits,
// and no zero before them.
func readNumber(d *jsontext.Decoder, limit uint64) (n uint64, err error) {
	raw, err := d.ReadValue()
	if err != nil {
		return 0, errSyntax
	}
	if len(raw) > 12 || bytes.ContainsFunc(raw, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, errKind
	}
	for _, digit := range raw {
		n = n*10 + uint64(digit-'0')
	}
	if n > limit {
		return 0, errKind
	}
	return n, nil
}

// ErrStatusList says that a payload is no status list that can be used here.
var ErrStatusList = errors.New("token: not a status list of one bit a token")

// MaxStatusBytes bounds the bits of a list, once they are unpacked.
const MaxStatusBytes = 1 << 20

// StatusList is the payload of a Status List Token (Token Status List, section
// 5.1), with one bit for a token: 1 is revoked for good.
type StatusList struct {
	Issuer      string
	Subject     string // the URI of the list
	IssuedAt    Date
	Expiry      Date
	TTL         uint32 // seconds that a copy may be kept
	Bits        []byte // the token with index i has bit i%8 of byte i/8, from the lowest
	Aggregation string // where the issuer lists its lists (section 9.2)
}

// Revoked says whether the bit of the index is set. A token whose index is not
// in the list has no status, which is for the caller to see: ok is false.
func (l StatusList) Revoked(index uint32) (revoked, ok bool) {
	if int64(index) >= int64(len(l.Bits))*8 {
		return false, false
	}
	return l.Bits[index/8]>>(index%8)&1 == 1, true
}

type statusListPayload struct {
	Issuer   string     `json:"iss,omitzero"`
	Subject  string     `json:"sub"`
	IssuedAt Date       `json:"iat"`
	Expiry   Date       `json:"exp,omitzero"`
	TTL      uint32     `json:"ttl,omitzero"`
	List     statusBits `json:"status_list"`
}

type statusBits struct {
	Bits        int    `json:"bits"`
	List        string `json:"lst"`
	Aggregation string `json:"aggregation_uri,omitzero"`
}

// packing is the level of compression. Section 4.1 recommends the highest, which
// makes a list of a thousand revoked tokens among a million a quarter smaller
// and takes a hundred times as long: revocations would wait for it.
const packing = 6

// Marshal returns the list as the JSON that is signed. The bits are packed as
// section 4.1 says, with zlib.
func (l StatusList) Marshal() ([]byte, error) {
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, packing)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(l.Bits); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return json.Marshal(statusListPayload{
		Issuer: l.Issuer, Subject: l.Subject, IssuedAt: l.IssuedAt, Expiry: l.Expiry, TTL: l.TTL,
		List: statusBits{Bits: 1, List: base64.RawURLEncoding.EncodeToString(packed.Bytes()), Aggregation: l.Aggregation},
	}, json.Deterministic(true))
}

// ParseStatusList reads the payload of a Status List Token strictly. What it
// says is for the caller to check.
func ParseStatusList(payload []byte) (l StatusList, err error) {
	err = object(payload, func(name string, d *jsontext.Decoder) (err error) {
		switch name {
		case "iss":
			l.Issuer, err = readString(d)
		case "sub":
			l.Subject, err = readString(d)
		case "iat":
			l.IssuedAt, err = readDate(d, 1)
		case "exp":
			l.Expiry, err = readDate(d, 1)
		case "ttl":
			var n uint64
			n, err = readNumber(d, math.MaxUint32)
			l.TTL = uint32(n)
		case "status_list":
			err = l.readBits(d)
		default:
			err = skip(d)
		}
		return err
	})
	if err == nil && l.Bits == nil {
		err = errKind
	}
	if err != nil {
		return StatusList{}, fmt.Errorf("%w: %w", ErrStatusList, err)
	}
	return l, nil
}

func (l *StatusList) readBits(d *jsontext.Decoder) error {
	var bits uint64
	var packed string
	err := members(d, func(name string, d *jsontext.Decoder) (err error) {
		switch name {
		case "bits":
			bits, err = readNumber(d, 8)
		case "lst":
			packed, err = readString(d)
		case "aggregation_uri":
			l.Aggregation, err = readString(d)
		default:
			err = skip(d)
		}
		return err
	})
	if err != nil {
		return err
	}
	if bits != 1 {
		return errKind
	}
	l.Bits, err = unpack(packed)
	return err
}

var errPacked = errors.New("bits that cannot be unpacked")

// unpack reads a zlib stream (Token Status List, section 4.1) that is all of
// packed, whole and unharmed. It never makes more of it than MaxStatusBytes.
func unpack(packed string) ([]byte, error) {
	raw, err := Decode(packed)
	if err != nil {
		return nil, errPacked
	}
	rest := bytes.NewReader(raw)
	r, err := zlib.NewReader(rest)
	if err != nil {
		return nil, errPacked
	}
	bits, err := io.ReadAll(io.LimitReader(r, MaxStatusBytes+1)) // at its end it checks the checksum
	if err != nil || len(bits) == 0 || len(bits) > MaxStatusBytes || rest.Len() > 0 {
		return nil, errPacked
	}
	return bits, nil
}
