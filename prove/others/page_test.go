//go:build others

package others

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is a page of docs/.
type page struct {
	t    *testing.T
	name string
	text string
}

func read(t *testing.T, name string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return page{t, name, string(text)}
}

// block is the only block of a language that has all that is to be replaced:
// pairs of what is printed and what it is here.
func (p page) block(language string, pairs ...string) string {
	p.t.Helper()
	var found []string
	for _, b := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(p.text, -1) {
		has := true
		for i := 0; i < len(pairs); i += 2 {
			has = has && strings.Contains(b[1], pairs[i])
		}
		if has {
			found = append(found, b[1])
		}
	}
	if len(found) != 1 {
		p.t.Fatalf("%s has %d blocks of %s with %q, not one", p.name, len(found), language, pairs)
	}
	return strings.NewReplacer(pairs...).Replace(found[0])
}
