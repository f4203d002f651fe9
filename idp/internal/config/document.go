package config

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// document is a setting whose value is a mapping that means something to
// others. It is in the file only.
type document interface {
	value
	setNode(n *yaml.Node) error // the error says what would be right
}

// document applies one, once it is known to be plain all through.
func (f *yamlFile) document(d document, key string, v *yaml.Node) {
	o := origin{where: at(f.name, v), whole: true}
	if o.bad = !f.plainWithin(v, key); !o.bad {
		if err := d.setNode(v); err != nil {
			o.bad = true
			f.bad(v, key, "", "%s", err)
		}
	}
	f.from[key] = o
}

func (f *yamlFile) plainWithin(n *yaml.Node, key string) bool {
	if !f.plain(n, key) {
		return false
	}
	for _, inner := range n.Content {
		if !f.plainWithin(inner, key) {
			return false
		}
	}
	return true
}

// byLanguage is a text in several languages, as {de: ..., fr: ...}.
type byLanguage struct {
	dst *map[string]string
}

func languages(dst *map[string]string) value { return byLanguage{dst} }

func (b byLanguage) kind() string        { return "texts by language" }
func (b byLanguage) list() bool          { return false }
func (b byLanguage) accepts(string) bool { return false }
func (b byLanguage) set([]string) error  { return nil }

func (b byLanguage) setNode(n *yaml.Node) error {
	want := errors.New("write texts by language, as {de: ein Text}")
	if n.Kind != yaml.MappingNode {
		return want
	}
	texts := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		tag, text := n.Content[i], n.Content[i+1]
		if tag.Kind != yaml.ScalarNode || text.Kind != yaml.ScalarNode || text.ShortTag() != "!!str" {
			return want
		}
		if _, twice := texts[tag.Value]; twice {
			return fmt.Errorf("%s is there twice", quote(tag.Value))
		}
		texts[tag.Value] = text.Value
	}
	*b.dst = texts
	return nil
}

// asJSON is a value of JSON, written as YAML or as the text of JSON.
type asJSON struct {
	dst *jsontext.Value
}

func jsonValue(dst *jsontext.Value) value { return asJSON{dst} }

func (a asJSON) kind() string        { return "mapping" }
func (a asJSON) list() bool          { return false }
func (a asJSON) accepts(string) bool { return false }
func (a asJSON) set([]string) error  { return nil }

func (a asJSON) setNode(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		if v := jsontext.Value(n.Value); v.IsValid() && v.Kind() == '{' {
			*a.dst = v
			return nil
		}
	}
	if n.Kind != yaml.MappingNode {
		return errors.New("write a mapping, or its JSON in quotes")
	}
	text, err := nodeJSON(n)
	if err != nil {
		return err
	}
	if *a.dst = text; !text.IsValid() {
		return errors.New("a key is there twice")
	}
	return nil
}

// nodeJSON writes a node as JSON, whose keys stay in order.
func nodeJSON(n *yaml.Node) (jsontext.Value, error) {
	var open, end byte
	switch n.Kind {
	case yaml.MappingNode:
		open, end = '{', '}'
	case yaml.SequenceNode:
		open, end = '[', ']'
	default:
		return scalarJSON(n)
	}
	out := jsontext.Value{open}
	for i, inner := range n.Content {
		text, err := nodeJSON(inner)
		isKey := n.Kind == yaml.MappingNode && i%2 == 0
		if isKey {
			text, err = jsontext.AppendQuote(nil, inner.Value)
		}
		if err != nil {
			return nil, err
		}
		switch out = append(out, text...); {
		case isKey:
			out = append(out, ':')
		case i < len(n.Content)-1:
			out = append(out, ',')
		}
	}
	return append(out, end), nil
}

func scalarJSON(n *yaml.Node) (jsontext.Value, error) {
	if n.ShortTag() == "!!str" {
		return jsontext.AppendQuote(nil, n.Value)
	}
	if v := jsontext.Value(n.Value); v.IsValid() {
		return v, nil
	}
	return nil, fmt.Errorf("put the text in line %d in quotes", n.Line)
}
