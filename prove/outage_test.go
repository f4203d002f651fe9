//go:build crash

package prove

import (
	"strings"
	"testing"
	"time"

	"signet/prove/issuer"
	"signet/prove/line"
)

// Whatever happens between a resource server and the issuer, and while people
// are logged out meanwhile: no good token is refused, a revoked one is accepted
// for as long as the resource server goes on without a word and no longer, it
// says that it cannot tell only when it was without a word for so long, and
// when the line is mended all is as it should be. One that fails open always
// has an answer.
func TestRevocationsThroughABrokenLine(t *testing.T) {
	home := newHome(t, nil)
	start(t, home)
	good := newWares(t, home, 4)
	for _, f := range []line.Fault{line.Refuses, line.Stalls, line.HalfOpen, line.BreaksOff, line.Delays} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			breakLine(t, home, good, f)
		})
	}
}

func breakLine(t *testing.T, home issuer.Home, good []*ware, f line.Fault) {
	l := line.New(t, strings.TrimPrefix(home.URL, "http://"))
	both := newGuards(t, home, l.Dial)
	bad := newWares(t, home, 4)
	wares := append(bad[:4:4], good...)
	both.await(t, wares)
	defer both.stand(t, wares)()

	bad[0].revoke(t, home)
	both.await(t, bad[:1])
	l.Break(f)
	if f != line.Delays {
		both.lights(false)
	}
	bad[1].revoke(t, home)
	both.awaitClosed(t, good[0]) // also by answers that are older than that when they come
	bad[2].revoke(t, home)
	<-time.After(staleness) // the line stays broken
	both.lights(true)
	l.Break(line.Whole)
	both.await(t, wares)
	bad[3].revoke(t, home)
	both.await(t, wares)
}

// The same while the issuer is stopped and started, killed with revocations
// just acknowledged, and away for long.
func TestRevocationsThroughDeathsOfTheIssuer(t *testing.T) {
	home := newHome(t, nil)
	p := start(t, home)
	both := newGuards(t, home, nil)
	const deaths = 5
	bad, good := newWares(t, home, 2*deaths), newWares(t, home, 4)
	wares := append(bad[:2*deaths:2*deaths], good...)
	both.await(t, wares)
	defer both.stand(t, wares)()
	for n := range deaths {
		bad[2*n].revoke(t, home)
		bad[2*n+1].revoke(t, home)
		if n%2 == 0 {
			p.Kill()
		} else if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		if n == deaths-1 {
			both.lights(false)
			both.awaitClosed(t, good[0])
			<-time.After(staleness) // it stays away
			both.lights(true)
		}
		p = start(t, home)
		both.await(t, wares)
	}
}
