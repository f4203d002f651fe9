package wire

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Form is the parameters of a request. One that was sent without a value was
// not sent, and none but those that may be repeated is there twice (RFC 6749,
// section 3.1).
type Form struct {
	values url.Values
}

// repeatable are the parameters that a request may hold more than once: RFC
// 8707, section 2, and RFC 8693, section 2.1.
var repeatable = []string{"resource", "audience"}

// NewForm checks values, and leaves them as they are. The error is an *Error,
// invalid_request.
func NewForm(values url.Values) (Form, error) { return checked(maps.Clone(values)) }

// checked makes a Form of a map that is nobody else's; its lists may be.
func checked(values url.Values) (Form, error) {
	for name, list := range values {
		for _, v := range list {
			if !utf8.ValidString(name) || !utf8.ValidString(v) {
				return Form{}, Invalid("a parameter is not UTF-8")
			}
		}
		if slices.Contains(list, "") {
			list = slices.DeleteFunc(slices.Clone(list), func(v string) bool { return v == "" })
			values[name] = list
		}
		if len(list) > 1 && !slices.Contains(repeatable, name) {
			return Form{}, Field(paramName(name), "the parameter is there more than once")
		}
		if len(list) == 0 {
			delete(values, name)
		}
	}
	return Form{values}, nil
}

// ReadForm reads a body of application/x-www-form-urlencoded. Parameters in
// the query of the URL do not count (RFC 6749, section 2.3.1: credentials must
// not be there).
func ReadForm(r *http.Request) (Form, error) {
	values, err := ReadValues(r)
	if err != nil {
		return Form{}, err
	}
	return checked(values)
}

// IsForm tells whether the body of r says that it is a form.
func IsForm(r *http.Request) bool { return isOf(r, "application/x-www-form-urlencoded") }

// ReadValues is ReadForm without its check, for one who has to find out first
// who is told what is wrong.
func ReadValues(r *http.Request) (url.Values, error) {
	if !IsForm(r) {
		// With 400 and not 415, as RFC 6749, section 5.2, has all of these.
		return nil, Invalid("the body must be sent with Content-Type: application/x-www-form-urlencoded")
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, Invalid("the body is no valid form")
	}
	return values, nil
}

// ReadQuery reads the parameters of the URL.
func ReadQuery(r *http.Request) (Form, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Form{}, Invalid("the query of the URL is not valid")
	}
	return checked(values)
}

// Get returns the value of a parameter, or "" where it is not there.
func (f Form) Get(name string) string { return f.values.Get(name) }

// Has tells whether the parameter is there.
func (f Form) Has(name string) bool { return f.values.Has(name) }

// All returns all values of a parameter that may be repeated.
func (f Form) All(name string) []string { return f.values[name] }

// Names returns the names of the parameters, in no order.
func (f Form) Names() []string {
	names := make([]string, 0, len(f.values))
	for name := range f.values {
		names = append(names, name)
	}
	return names
}

// Need returns the value of a parameter that must be there.
func (f Form) Need(name string) (string, error) {
	if v := f.Get(name); v != "" {
		return v, nil
	}
	return "", Field(name, "it is missing")
}

// Format hides the values: there are passwords and tokens among them.
func (f Form) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "[%d parameters]", len(f.values)) }

// paramName makes a name that a stranger chose fit into one line of an answer.
func paramName(name string) string { return memberName(jsontext.Pointer("/" + name)) }
