//go:build crash

package prove

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"signet/prove/issuer"
	"signet/resource"
)

// A token whose grant has ended is refused within about a second by resource
// servers that ask nobody, also when the issuer is killed as soon as it has
// said so; and no token of anybody else is refused meanwhile.
func TestASignedOutTokenIsRefusedAtOnce(t *testing.T) {
	home := newHome(t, nil)
	running := start(t, home)
	verify := []func(context.Context, string) error{follow(t, home), follow(t, home)}
	other := signedIn(t, home)
	const generous = 10 * time.Second
	for round := range *revocations {
		tokens := signedIn(t, home)
		for i, v := range verify {
			awaitKeys(t, fmt.Sprint("resource server ", i), v, tokens)
			awaitKeys(t, fmt.Sprint("resource server ", i), v, other)
		}
		client := issuer.NewClient(home.URL)
		a := client.Logout(t.Context(), tokens.Refresh)
		client.Close()
		if a.Result != issuer.Done {
			t.Fatal(a)
		}
		killed := round%2 == 1
		if killed {
			running.Kill()
			for _, v := range verify {
				if err := v(t.Context(), other.Access); err != nil {
					t.Errorf("while the issuer is dead a good token is refused: %v", err)
				}
			}
			running = start(t, home)
			verify = append(verify[:2], follow(t, home)) // who comes when it is back
		}
		begin := time.Now()
		for i, v := range verify {
			var last error
			if err := until(t.Context(), generous, func() bool { last = v(t.Context(), tokens.Access); return errors.Is(last, resource.ErrRevoked) }); err != nil {
				t.Fatalf("resource server %d says %v: %v", i, last, err)
			}
			t.Logf("killed %t: resource server %d refuses the token %s later", killed, i, time.Since(begin).Round(time.Millisecond))
			if err := v(t.Context(), other.Access); err != nil {
				t.Errorf("resource server %d refuses a good token: %v", i, err)
			}
		}
	}
}
