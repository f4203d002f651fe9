package resource

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// A label that changes breaks somebody's dashboard, and one that was forgotten
// is counted as something else.
func TestEveryErrorOfThePackageHasAnOutcomeOfItsOwn(t *testing.T) {
	named := make(map[string]bool)
	for _, name := range exportedErrors(t) {
		named[name] = true
	}
	table := source(t, "metrics.go")
	for name := range named {
		if !strings.Contains(table, "{"+name+", Outcome") {
			t.Errorf("%s has no line in outcomes", name)
		}
	}
	if len(named) < 20 {
		t.Errorf("only %d errors were found", len(named))
	}
	seen := make(map[Outcome]bool)
	for _, o := range outcomes {
		if got := outcome(fmt.Errorf("wrapped: %w", o.err)); got != o.name {
			t.Errorf("%v is counted as %s, not as %s", o.err, got, o.name)
		}
		if seen[o.name] || strings.Trim(string(o.name), "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("the outcome %q is there twice, or no label", o.name)
		}
		seen[o.name] = true
	}
	if got := outcome(errors.New("something")); got != OutcomeOther {
		t.Errorf("another error is counted as %s", got)
	}
}

// exportedErrors are the names of the package's variables that begin with Err.
func exportedErrors(t *testing.T) (names []string) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				for _, id := range s.(*ast.ValueSpec).Names {
					if strings.HasPrefix(id.Name, "Err") {
						names = append(names, id.Name)
					}
				}
			}
		}
	}
	return names
}

func source(t *testing.T, name string) string {
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
