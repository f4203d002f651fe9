package wire

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ReadJSON decodes the body of r, one JSON object and nothing after it, into
// the struct that into points to. Unknown and duplicate members, invalid
// UTF-8, another media type and a body over the limit that was set on r.Body
// are refused, each with an *Error that names the thing.
func ReadJSON(r *http.Request, into any) error {
	body, err := ReadJSONBody(r)
	if err != nil {
		return err
	}
	return parseJSON(body, into)
}

// ReadJSONBody is ReadJSON for those who take the body apart themselves.
func ReadJSONBody(r *http.Request) ([]byte, error) {
	if !isOf(r, "application/json") {
		return nil, &Error{Status: http.StatusUnsupportedMediaType, Code: CodeMediaType,
			Description: "the body must be JSON, sent with Content-Type: application/json"}
	}
	return readBody(r)
}

// isOf tells whether the body of r is of the media type.
func isOf(r *http.Request, mediaType string) bool {
	said := r.Header.Get("Content-Type")
	if said == mediaType { // as nearly everybody writes it
		return true
	}
	parsed, _, err := mime.ParseMediaType(said)
	return err == nil && parsed == mediaType
}

// readBody reads the whole body. Room for it is made at once where its length is
// known, up to a bound: the length is what a stranger says.
func readBody(r *http.Request) ([]byte, error) {
	const usual, most = 512, 4 << 10
	room := int64(usual)
	if r.ContentLength >= 0 {
		room = min(r.ContentLength, most) + 1 // to see the end in
	}
	body := make([]byte, 0, room)
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, bodyError(err)
		}
		if len(body) == cap(body) {
			body = slices.Grow(body, len(body))
		}
	}
}

func parseJSON(body []byte, into any) error {
	// null is a value of every type for the decoder; for us the body is an object.
	if jsontext.Value(body).Kind() != '{' {
		if len(strings.TrimSpace(string(body))) == 0 {
			return Invalid("the body is empty; a JSON object was expected")
		}
		if !jsontext.Value(body).IsValid() {
			return Invalid("the body is not valid JSON")
		}
		return Invalid("the body must be a JSON object")
	}
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return jsonError(err)
	}
	return nil
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge,
			Description: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	return &Error{Status: http.StatusBadRequest, Code: CodeInvalidRequest,
		Description: "the body could not be read to its end", Cause: err}
}

// jsonError says what is wrong and where, without repeating a value: it may
// be a password.
func jsonError(err error) error {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		name := memberName(semantic.JSONPointer)
		switch {
		case errors.Is(err, json.ErrUnknownName):
			return Field(name, "there is no such member here")
		case name == "":
			return Invalid("the body must be a JSON object")
		}
		return Field(name, "the value has the wrong type")
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return Field(memberName(syntactic.JSONPointer), "the member is there twice")
		}
		return Invalid("the body is not valid JSON, from byte " + strconv.FormatInt(syntactic.ByteOffset, 10) + " on")
	}
	return Invalid("the body is not valid JSON")
}

// memberName makes a pointer (RFC 6901) a name that fits into one line of an
// answer, however long and strange it was.
func memberName(p jsontext.Pointer) string {
	name := strings.TrimPrefix(string(p), "/")
	if len(name) > 64 {
		name = strings.ToValidUTF8(name[:64], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}
