package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// listing prints a long list a page at a time and keeps none of it: as a table
// whose columns are aligned within a page, or as JSON, an object with the list
// as its one member.
type listing struct {
	name  string
	head  []string
	out   io.Writer
	json  *jsontext.Encoder // nil: a table
	count int
}

func (env *environment) listing(name string, asJSON bool, head ...string) *listing {
	l := &listing{name: name, head: head, out: env.out}
	if asJSON {
		l.json = jsontext.NewEncoder(env.out, jsontext.Multiline(true))
	}
	return l
}

// page prints a page. row is what the table says of an item.
func page[T any](l *listing, items []T, row func(T) []string) error {
	first := l.count == 0
	l.count += len(items)
	if l.json != nil {
		if first && len(items) > 0 {
			if err := l.begin(); err != nil {
				return err
			}
		}
		for _, item := range items {
			if err := json.MarshalEncode(l.json, item, json.Deterministic(true)); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(l.out, 0, 8, 2, ' ', 0)
	if first && len(items) > 0 {
		fmt.Fprintln(w, strings.Join(l.head, "\t"))
	}
	for _, item := range items {
		fmt.Fprintln(w, strings.Join(row(item), "\t"))
	}
	return w.Flush()
}

func (l *listing) begin() error {
	return l.write(jsontext.BeginObject, jsontext.String(l.name), jsontext.BeginArray)
}

// end is called once there is no further page.
func (l *listing) end() error {
	switch {
	case l.json == nil && l.count == 0:
		_, err := fmt.Fprintf(l.out, "no %s\n", l.name)
		return err
	case l.json == nil:
		return nil
	case l.count == 0:
		if err := l.begin(); err != nil {
			return err
		}
	}
	return l.write(jsontext.EndArray, jsontext.EndObject)
}

func (l *listing) write(tokens ...jsontext.Token) error {
	for _, t := range tokens {
		if err := l.json.WriteToken(t); err != nil {
			return err
		}
	}
	return nil
}
