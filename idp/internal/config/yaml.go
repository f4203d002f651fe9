package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML applies the file. It walks the nodes rather than decoding them,
// since only a node knows its line, and since what is not walked (anchors,
// aliases, merges, foreign tags) cannot surprise anyone.
func (l *loader) readYAML(name string, body []byte) {
	dec := yaml.NewDecoder(bytes.NewReader(body))
	var doc yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return // nothing, or comments only
	}
	if err != nil {
		l.yamlError(name, err)
		return
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		l.complain(at(name, &second), "", "", "a second document begins; one is all there may be")
	case !errors.Is(err, io.EOF):
		l.yamlError(name, err)
	}
	f := &yamlFile{l, name}
	if root := doc.Content[0]; !isNull(root) {
		f.mapping("", root, l.table)
	}
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

func (l *loader) yamlError(name string, err error) {
	where, what := name, err.Error()
	if m := yamlLine.FindStringSubmatch(what); m != nil {
		if what = m[2]; m[1] != "" {
			where += ":" + m[1]
		}
	}
	if strings.HasPrefix(what, "unknown anchor") { // its name may be a secret without quotes
		what = "a text that begins with * must be in quotes"
	}
	l.complain(where, "", "", "this is not YAML: %s", what)
}

func at(name string, n *yaml.Node) string { return fmt.Sprintf("%s:%d", name, n.Line) }

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// yamlFile walks the nodes of one file.
type yamlFile struct {
	*loader
	name string
}

func (f *yamlFile) bad(n *yaml.Node, key, value, format string, args ...any) {
	f.complain(at(f.name, n), key, value, format, args...)
}

// mapping applies the keys of one mapping. prefix is the path to it, with its
// dot; table is where full paths are looked up.
func (f *yamlFile) mapping(prefix string, n *yaml.Node, table []setting) {
	if !f.plain(n, strings.TrimSuffix(prefix, ".")) {
		return
	}
	if n.Kind != yaml.MappingNode {
		f.bad(n, strings.TrimSuffix(prefix, "."), describe(n), "write settings here, as key: value")
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if !f.plain(k, strings.TrimSuffix(prefix, ".")) {
			continue
		}
		if k.Kind != yaml.ScalarNode {
			f.bad(k, strings.TrimSuffix(prefix, "."), describe(k), "a key must be a word")
			continue
		}
		if line, twice := first[k.Value]; twice {
			f.bad(k, prefix+k.Value, "", "this key is there twice, first in line %d", line)
			continue
		}
		first[k.Value] = k.Line
		f.entry(prefix+k.Value, k, v, table)
	}
}

// entry applies one key: a setting, a section of them, or a mistake.
func (f *yamlFile) entry(key string, k, v *yaml.Node, table []setting) {
	var known []string
	for _, s := range table {
		switch {
		case s.key == key:
			f.setting(s, key, v)
			return
		case strings.HasPrefix(s.key, key+"."):
			if !isNull(v) { // a section whose lines are all commented out
				f.mapping(key+".", v, table)
			}
			return
		}
		known = append(known, s.key)
	}
	// The value stays unsaid: people put secrets where they guess them.
	f.bad(k, key, "", "there is no such setting%s", suggest(key, known))
}

// setting applies the node of one setting.
func (f *yamlFile) setting(s setting, key string, v *yaml.Node) {
	if list, ok := s.value.(itemList); ok && v.Kind == yaml.SequenceNode {
		f.list(list, key, v)
		return
	}
	if d, ok := s.value.(document); ok {
		f.document(d, key, v)
		return
	}
	items, ok := f.items(s, key, v)
	if !ok {
		f.from[key] = origin{where: at(f.name, v), bad: true}
		return
	}
	f.set(s, key, origin{where: at(f.name, v), text: strings.Join(items, ", ")}, items)
}

// items reads the scalars of a setting and checks how they are written.
func (f *yamlFile) items(s setting, key string, v *yaml.Node) ([]string, bool) {
	nodes := []*yaml.Node{v}
	if s.value.list() {
		if !f.plain(v, key) {
			return nil, false
		}
		if v.Kind != yaml.SequenceNode {
			f.bad(v, key, describe(v), "write a list, as [one, two]")
			return nil, false
		}
		nodes = v.Content
	}
	var items []string
	for _, n := range nodes {
		if !f.plain(n, key) {
			return nil, false
		}
		switch tag := n.ShortTag(); {
		case isNull(n):
			f.bad(n, key, "", "has no value; write one, or leave the line out for the default")
			return nil, false
		case n.Kind != yaml.ScalarNode:
			f.bad(n, key, describe(n), "write a single value here: %s", strings.TrimPrefix(s.value.kind(), "list of "))
			return nil, false
		case !s.value.accepts(tag) && s.value.accepts("!!str"):
			f.bad(n, key, quote(n.Value), "YAML does not read this as text; put it in quotes")
			return nil, false
		case !s.value.accepts(tag):
			f.bad(n, key, quote(n.Value), "write it as a %s, without quotes", s.value.kind())
			return nil, false
		}
		items = append(items, n.Value)
	}
	return items, true
}

// plain refuses the parts of YAML that no configuration needs.
func (f *yamlFile) plain(n *yaml.Node, key string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		f.bad(n, key, "*"+n.Value, "aliases are not read; write the value itself")
	case n.Anchor != "":
		f.bad(n, key, "&"+n.Anchor, "anchors are not read; leave it out, or put the value in quotes")
	case n.Style&yaml.TaggedStyle != 0:
		f.bad(n, key, n.Tag, "tags are not read; leave it out, or put the value in quotes")
	default:
		return true
	}
	return false
}

// describe shows a node in an error.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return quote(n.Value)
}
