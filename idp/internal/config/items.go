package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// itemList is a setting that is a list of mappings, each with settings of its
// own. The first of those names the item, and has to be there.
type itemList interface {
	value
	noun() string                    // what an item is, for people
	bare() bool                      // whether a name alone is an item, too
	table() []setting                // the settings of an item
	make(n int) (tables [][]setting) // n new items
}

// items is the itemList of a []T.
type items[T any] struct {
	dst      *[]T
	word     string
	settings func(*T) []setting
	named    func(name string) (T, error) // nil: a name alone is no item
}

func listOf[T any](noun string, dst *[]T, settings func(*T) []setting, named func(string) (T, error)) value {
	return items[T]{dst, noun, settings, named}
}

func (i items[T]) kind() string            { return "list of " + i.word + "s" }
func (i items[T]) list() bool              { return true }
func (i items[T]) accepts(tag string) bool { return tag == "!!str" }
func (i items[T]) noun() string            { return i.word }
func (i items[T]) bare() bool              { return i.named != nil }

func (i items[T]) table() []setting {
	var none T
	return i.settings(&none)
}

func (i items[T]) make(n int) (tables [][]setting) {
	*i.dst = slices.Grow([]T(nil), n)[:n]
	for j := range *i.dst {
		tables = append(tables, i.settings(&(*i.dst)[j]))
	}
	return tables
}

// set takes names, as they stand in the environment.
func (i items[T]) set(names []string) error {
	if i.named == nil && len(names) > 0 {
		return fmt.Errorf("%ss are written in the file, as mappings", i.word)
	}
	var all []T
	for _, name := range names {
		item, err := i.named(name)
		if err != nil {
			return fmt.Errorf("%s: the name %w", quote(name), err)
		}
		all = append(all, item)
	}
	*i.dst = all
	return nil
}

// list applies a list of mappings.
func (f *yamlFile) list(list itemList, key string, v *yaml.Node) {
	refused := len(f.problems)
	var names []string
	if f.plain(v, key) {
		for i, table := range list.make(len(v.Content)) {
			names = append(names, f.item(list, fmt.Sprintf("%s[%d]", key, i), v.Content[i], table))
		}
	}
	f.from[key] = origin{where: at(f.name, v), text: strings.Join(names, ", "), bad: len(f.problems) > refused}
}

// item applies one of them, and returns its name.
func (f *yamlFile) item(list itemList, key string, n *yaml.Node, table []setting) (name string) {
	for j := range table {
		table[j].key = key + "." + table[j].key
	}
	first := table[0]
	if n.Kind == yaml.ScalarNode && !isNull(n) && list.bare() {
		f.setting(first, first.key, n)
		return f.from[first.key].text
	}
	f.mapping(key+".", n, table)
	if _, named := f.from[first.key]; !named && n.Kind == yaml.MappingNode {
		f.bad(n, first.key, "", "%s %s needs %s", article(list.noun()), list.noun(), last(first.key))
	}
	return f.from[first.key].text
}

func last(key string) string {
	if word := leaf(key); word == "name" {
		return "a name"
	} else {
		return article(word) + " " + word
	}
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an"
	}
	return "a"
}
