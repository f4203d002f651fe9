package token

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxLength is the number of bytes that ParseCompact reads at most.
const MaxLength = 16 << 10

// Why a text is no compact JWS. All of them are ErrMalformed too.
var (
	ErrMalformed = errors.New("token: not a compact JWS")
	ErrLength    = fmt.Errorf("%w: its length is out of bounds", ErrMalformed)
	ErrParts     = fmt.Errorf("%w: it has not exactly three parts", ErrMalformed)
	ErrEncoding  = fmt.Errorf("%w: not canonical unpadded base64url", ErrMalformed)
	ErrHeader    = fmt.Errorf("%w: its header is not a well-formed JSON object", ErrMalformed)
)

// Header is what a verifier looks at in a protected header. Parameters that
// would bring a key along, or ask for an extension, are only said to be there.
type Header struct {
	Alg   Alg
	KID   string
	Named bool // kid is there, if only as an empty string
	Typ   string

	Crit, JWK, JKU, X5U, X5C bool

	// Coded says that b64, zip or enc is there: whoever understands one of them
	// reads another payload than who does not (RFC 7797 section 6, RFC 7516
	// section 4.1).
	Coded bool
}

// Compact is a JWS in compact serialization, taken apart and not verified.
type Compact struct {
	Header       Header
	Protected    []byte // the header as JSON, for those who need more of it
	Payload      []byte
	Signature    []byte // may be empty; no algorithm accepts that
	SigningInput string // what the signature covers (RFC 7515 section 5.1)
}

// ParseCompact takes a JWS of at most MaxLength bytes apart.
func ParseCompact(text string) (Compact, error) {
	return ParseCompactLimit(text, MaxLength)
}

// ParseCompactLimit is ParseCompact with another bound, for what is larger
// than a token. There is exactly one text for each header, payload and
// signature: anything that a lenient reader would see as the same is refused.
func ParseCompactLimit(text string, limit int) (Compact, error) {
	if text == "" || len(text) > limit {
		return Compact{}, ErrLength
	}
	first, last := strings.IndexByte(text, '.'), strings.LastIndexByte(text, '.')
	if first < 0 || first == last || strings.IndexByte(text[first+1:last], '.') >= 0 {
		return Compact{}, ErrParts
	}
	var c Compact
	var err error
	if c.Protected, err = Decode(text[:first]); err != nil {
		return Compact{}, err
	}
	if c.Payload, err = Decode(text[first+1 : last]); err != nil {
		return Compact{}, err
	}
	if c.Signature, err = Decode(text[last+1:]); err != nil {
		return Compact{}, err
	}
	if c.Header, err = parseHeader(c.Protected); err != nil {
		return Compact{}, err
	}
	c.SigningInput = text[:last]
	return c, nil
}

// strict refuses trailing bits that are not zero.
var strict = base64.RawURLEncoding.Strict()

// Decode reads canonical unpadded base64url, or returns ErrEncoding. The
// standard library skips line breaks even when strict, so they are looked for
// here.
func Decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, ErrEncoding
	}
	out, err := strict.DecodeString(part)
	if err != nil {
		return nil, ErrEncoding
	}
	return out, nil
}

// parseHeader reads the header; the decoder refuses duplicate names (RFC 7515
// section 4) and text that is not UTF-8.
func parseHeader(raw []byte) (Header, error) {
	var h Header
	err := object(raw, func(name string, d *jsontext.Decoder) (err error) {
		switch name {
		case "alg":
			var alg string
			alg, err = readString(d)
			h.Alg = Alg(alg)
		case "kid":
			h.Named = true
			h.KID, err = readString(d)
		case "typ":
			h.Typ, err = readString(d)
		case "crit":
			h.Crit, err = true, skip(d)
		case "jwk":
			h.JWK, err = true, skip(d)
		case "jku":
			h.JKU, err = true, skip(d)
		case "x5u":
			h.X5U, err = true, skip(d)
		case "x5c":
			h.X5C, err = true, skip(d)
		case "b64", "zip", "enc":
			h.Coded, err = true, skip(d)
		default:
			err = skip(d)
		}
		return err
	})
	if err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	return h, nil
}

var (
	errKind     = errors.New("a value has another type than it should")
	errTrailing = errors.New("something follows the JSON object")
	errSyntax   = errors.New("not a JSON object with unique names")
	errNesting  = fmt.Errorf("nested deeper than %d levels", maxDepth)
)

// maxDepth is how deep the JSON of a token is nested at most. No honest one
// comes near it, and what reads the same token elsewhere may be recursive.
const maxDepth = 32

// object calls member for each member of the JSON object that is all of raw;
// member reads the value. Errors never quote what a stranger sent.
func object(raw []byte, member func(name string, d *jsontext.Decoder) error) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw))
	if err := members(d, member); err != nil {
		return err
	}
	if d.InputOffset() != int64(len(bytes.TrimRight(raw, " \t\r\n"))) {
		return errTrailing
	}
	return nil
}

// members reads one JSON object from d, and calls member for each name in it;
// member reads the value. Anything but an object is errKind.
func members(d *jsontext.Decoder, member func(name string, d *jsontext.Decoder) error) error {
	switch t, err := d.ReadToken(); {
	case err != nil:
		return errSyntax
	case t.Kind() != '{':
		return errKind
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return errSyntax
		}
		if err := member(name.String(), d); err != nil {
			return plain(err)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return errSyntax
	}
	return nil
}

// plain replaces the decoder's errors, which quote their input.
func plain(err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return errSyntax
	}
	return err
}

// skip reads a value that nobody asked for.
func skip(d *jsontext.Decoder) error {
	for outside := d.StackDepth(); ; {
		if _, err := d.ReadToken(); err != nil {
			return errSyntax
		}
		switch depth := d.StackDepth(); {
		case depth > maxDepth:
			return errNesting
		case depth == outside:
			return nil
		}
	}
}

func readString(d *jsontext.Decoder) (string, error) {
	t, err := d.ReadToken()
	if err != nil {
		return "", errSyntax
	}
	if t.Kind() != '"' {
		return "", errKind
	}
	return t.String(), nil
}
