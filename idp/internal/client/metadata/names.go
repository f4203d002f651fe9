package metadata

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
)

// Names lists the members of metadata that are supported.
var Names = sync.OnceValue(func() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[data.Metadata]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == stored })
})

// InOrder lists the names of members that were written by Members: in the
// order of Names, and a name in other languages behind the name itself.
func InOrder(members map[string]jsontext.Value) (names []string) {
	for _, name := range Names() {
		if _, there := members[name]; there {
			names = append(names, name)
		}
		if name+"#" != nameTag {
			continue
		}
		for _, other := range slices.Sorted(maps.Keys(members)) {
			if strings.HasPrefix(other, nameTag) {
				names = append(names, other)
			}
		}
	}
	return names
}
