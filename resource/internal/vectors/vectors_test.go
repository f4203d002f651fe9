package vectors

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the files anew")

const folder = "../../testdata/vectors"

func TestTheFilesAreWhatIsMadeHere(t *testing.T) {
	for name, f := range Make() {
		want, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what is made here (%v); go test ./resource/internal/vectors -update writes it", name, err)
		}
	}
}

func TestEveryVectorHasANameOfItsOwnAndSaysWhy(t *testing.T) {
	seen := make(map[string]string)
	for name, f := range Make() {
		for _, v := range f.Vectors {
			if v.Name == "" || v.Section == "" || v.Why == "" || v.Want == "" {
				t.Errorf("%s: %q lacks something", name, v.Name)
			}
			if other, twice := seen[v.Name]; twice {
				t.Errorf("%q is in %s and in %s", v.Name, other, name)
			}
			seen[v.Name] = name
		}
	}
}
