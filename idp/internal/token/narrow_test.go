package token

import (
	"fmt"
	"strings"
	"testing"
)

// It is asked in a transaction: however many names a client sends, the first
// that was not granted ends it, and nothing is made of the others.
func TestAScopeThatWasNotGrantedIsRefusedAtItsFirstName(t *testing.T) {
	var names []string
	for i := range 10_000 {
		names = append(names, fmt.Sprint("s", i))
	}
	asked := strings.Join(names, " ")
	allocs := testing.AllocsPerRun(5, func() {
		if _, err := narrow("openid posts", asked); err == nil {
			t.Error("granted")
		}
	})
	if allocs > 10 {
		t.Errorf("it made %v things of them", allocs)
	}
	if got, err := narrow("openid posts", "posts posts openid posts"); err != nil || got != "posts openid" {
		t.Errorf("got %q, %v", got, err)
	}
}
