package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestAListIsPrintedAPageAtATimeAndIsStillOneList(t *testing.T) {
	row := func(n int) []string { return []string{fmt.Sprint(n), fmt.Sprint(n * n)} }
	for _, c := range []struct {
		name   string
		asJSON bool
		pages  [][]int
		want   string
	}{
		{"a table", false, [][]int{{1, 2}, {30}}, "N   SQUARE\n1   1\n2   4\n30  900\n"},
		{"a table of nothing", false, nil, "no numbers\n"},
		{"a page of which nothing was wanted", false, [][]int{{}, {5}}, "N  SQUARE\n5  25\n"},
		{"JSON", true, [][]int{{1}, {}, {2}}, "{\n\t\"numbers\": [\n\t\t1,\n\t\t2\n\t]\n}\n"},
		{"JSON of nothing", true, [][]int{{}}, "{\n\t\"numbers\": []\n}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			l := (&environment{out: &out}).listing("numbers", c.asJSON, "N", "SQUARE")
			for _, p := range c.pages {
				before := out.Len()
				if err := page(l, p, row); err != nil {
					t.Fatal(err)
				}
				if len(p) > 0 && out.Len() == before && !c.asJSON {
					t.Error("a page was kept")
				}
			}
			if err := l.end(); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(c.want), " ") || c.asJSON && got != c.want {
				t.Errorf("%q instead of %q", got, c.want)
			}
			if c.asJSON && json.Unmarshal([]byte(out.String()), &struct {
				Numbers []int `json:"numbers"`
			}{}) != nil {
				t.Error("it is no JSON")
			}
		})
	}
}

// What is printed of a million is held by nobody: a page leaves the encoder's
// buffer before the next one comes.
func TestAListOfAMillionIsNotHeld(t *testing.T) {
	counted := &counting{}
	l := (&environment{out: counted}).listing("numbers", true)
	items := make([]int, listPage)
	for range 1000 {
		if err := page(l, items, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.end(); err != nil {
		t.Fatal(err)
	}
	if counted.most > 1<<20 || counted.n < 2*1_000_000 {
		t.Errorf("%d bytes came, at most %d at once", counted.n, counted.most)
	}
}

type counting struct{ n, most int }

func (c *counting) Write(p []byte) (int, error) {
	c.n, c.most = c.n+len(p), max(c.most, len(p))
	return len(p), nil
}
