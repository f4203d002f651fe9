package claims

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/idp/internal/wire"
)

// Request is a checked claims parameter (OpenID Connect Core, section 5.5).
// The zero value asks for nothing.
type Request struct {
	raw               string
	idToken, userinfo map[string]member
}

// member is what is said of one claim that is asked for (section 5.5.1).
type member struct {
	essential bool
	values    []string
}

// The bounds of a claims parameter.
const (
	maxRequest = 8 << 10 // bytes
	maxMembers = 64
)

// Parse reads a claims parameter; "" asks for nothing. It refuses what is not
// a JSON object of the right form, or too large: an *wire.Error,
// invalid_request. Claims that Signet does not know, and members of the two
// sections that are not known, are ignored, as section 5.5 asks.
func Parse(raw string) (Request, error) {
	if raw == "" {
		return Request{}, nil
	}
	if len(raw) > maxRequest {
		return Request{}, wire.Field("claims", "it is too long")
	}
	var sections struct {
		IDToken  map[string]jsontext.Value `json:"id_token"`
		Userinfo map[string]jsontext.Value `json:"userinfo"`
	}
	if jsontext.Value(raw).Kind() != '{' || json.Unmarshal([]byte(raw), &sections) != nil {
		return Request{}, wire.Field("claims", "it is not a JSON object of the form of OpenID Connect Core, section 5.5")
	}
	r := Request{raw: raw}
	for _, s := range []struct {
		from map[string]jsontext.Value
		to   *map[string]member
	}{{sections.IDToken, &r.idToken}, {sections.Userinfo, &r.userinfo}} {
		if len(s.from) > maxMembers {
			return Request{}, wire.Field("claims", "it asks for too many claims")
		}
		*s.to = make(map[string]member, len(s.from))
		for name, value := range s.from {
			m, err := parseMember(value)
			if err != nil {
				return Request{}, err
			}
			(*s.to)[name] = m
		}
	}
	return r, nil
}

// parseMember reads null or an object with essential, value and values. A
// value of another type than a string is of a claim that we do not compare.
func parseMember(raw jsontext.Value) (m member, err error) {
	if raw.Kind() == 'n' {
		return m, nil
	}
	var in struct {
		Essential bool             `json:"essential"`
		Value     jsontext.Value   `json:"value"`
		Values    []jsontext.Value `json:"values"`
	}
	if raw.Kind() != '{' || json.Unmarshal(raw, &in) != nil {
		return m, wire.Field("claims", "a claim is asked for by null or by an object (OpenID Connect Core, section 5.5.1)")
	}
	m.essential = in.Essential
	if in.Value != nil {
		in.Values = append(in.Values, in.Value)
	}
	for _, v := range in.Values {
		var s string
		if v.Kind() == '"' && json.Unmarshal(v, &s) == nil {
			m.values = append(m.values, s)
		}
	}
	return m, nil
}

// String is the parameter as it came.
func (r Request) String() string { return r.raw }

// ACR returns the values that are asked of acr in the ID token, and whether one
// of them is essential (section 5.5.1.1).
func (r Request) ACR() (values []string, essential bool) {
	m := r.idToken["acr"]
	return m.values, m.essential
}

// Subject is the value that sub is asked to have, for which a person has to be
// signed in, or "" (section 5.5.1).
func (r Request) Subject() string {
	for _, section := range []map[string]member{r.idToken, r.userinfo} {
		if values := section["sub"].values; len(values) == 1 {
			return values[0]
		}
	}
	return ""
}

// AuthTime tells whether auth_time is asked for.
func (r Request) AuthTime() bool {
	_, asked := r.idToken["auth_time"]
	return asked
}

// Names lists the claims about a person that are asked for by name, for the
// consent page.
func (r Request) Names() []string {
	var names []string
	for _, section := range []map[string]member{r.idToken, r.userinfo} {
		for name := range section {
			if known(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
