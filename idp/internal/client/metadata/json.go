package metadata

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
)

// nameTag begins the members that hold a client's name in other languages
// (RFC 7591, section 2.2).
const nameTag = "client_name#"

// stored is how the store calls them. Nobody else does.
const stored = "client_names"

// Parse reads metadata as clients write it: an object of RFC 7591, section 2.
// Members that are not supported are ignored, as the section asks, and so are
// those whose value is null. others are all members that are not metadata, for
// what else the object says. The error is an Error.
func Parse(raw []byte) (m data.Metadata, others map[string]jsontext.Value, err error) {
	members := map[string]jsontext.Value{}
	if jsontext.Value(raw).Kind() != '{' || json.Unmarshal(raw, &members) != nil {
		return m, nil, Error{{"the body", "must be one JSON object, in which no member is there twice"}}
	}
	maps.DeleteFunc(members, func(_ string, v jsontext.Value) bool { return v.Kind() == 'n' })
	delete(members, stored)
	others = map[string]jsontext.Value{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		switch tag, tagged := strings.CutPrefix(name, nameTag); {
		case tagged:
			if err := setName(&m, tag, members[name]); err != nil {
				return m, nil, err
			}
		case slices.Contains(Names(), name):
			continue
		default:
			others[name] = members[name]
		}
		delete(members, name)
	}
	known, err := json.Marshal(members)
	if err != nil {
		return m, nil, Error{{"the body", "must be one JSON object"}}
	}
	names := m.Names
	if err := json.Unmarshal(known, &m); err != nil {
		return m, nil, wrongType(err)
	}
	m.Names = names
	return m, others, nil
}

func setName(m *data.Metadata, tag string, v jsontext.Value) error {
	var name string
	if json.Unmarshal(v, &name) != nil {
		return Error{{"client_name", "has a value of the wrong type"}}
	}
	if m.Names == nil {
		m.Names = map[string]string{}
	}
	m.Names[tag] = name
	return nil
}

func wrongType(err error) error {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		member, _, _ := strings.Cut(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/")
		return Error{{member, "has a value of the wrong type"}}
	}
	return Error{{"the body", "must be one JSON object"}}
}

// Members writes metadata as clients read it.
func Members(m data.Metadata) (map[string]jsontext.Value, error) {
	names := m.Names
	m.Names = nil
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	members := map[string]jsontext.Value{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	for tag, name := range names {
		if members[nameTag+tag], err = json.Marshal(name); err != nil {
			return nil, err
		}
	}
	return members, nil
}
