package signin

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestThoseOfOneNetworkTakeTurnsAndNobodyWaitsForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, home, abroad := newTurns(), tagOf("home"), tagOf("abroad")
		began := time.Now()
		waited := func() time.Duration { return time.Since(began) }
		first := all.take(t.Context(), home)
		other := all.take(t.Context(), abroad)
		if waited() != 0 {
			t.Errorf("alone, one waits %v", waited())
		}
		time.AfterFunc(time.Second, first)
		second := all.take(t.Context(), home)
		if waited() != time.Second {
			t.Errorf("behind another, one waits %v", waited())
		}
		third := all.take(t.Context(), home) // and the second never ends
		if waited() != time.Second+longestTurn {
			t.Errorf("behind one who is stuck, one waits %v", waited())
		}
		ctx, leave := context.WithCancel(t.Context())
		leave()
		fourth := all.take(ctx, home)
		if waited() != time.Second+longestTurn {
			t.Errorf("who has left waits %v", waited())
		}
		for _, done := range []func(){fourth, third, second, other} {
			done()
		}
		if len(all.of) != 0 {
			t.Errorf("%d turns are left", len(all.of))
		}
	})
}
