package signin

import "time"

// guess is one attempt at a password, by the names of its counters.
type guess struct {
	place, account, network tag
	known                   bool // from a known browser: place alone counts
}

// counters are those of a guess, at one moment. There are three:
//
//   - place: this account from this network. It grows up to DelayMax.
//   - account: this account from everywhere. It grows up to AccountDelayMax
//     only, since a stranger can drive it.
//   - network: this network for all accounts, against one who tries a common
//     password on everybody.
//
// A known browser has a place of its own and is held to that alone, so that
// what a stranger does, even one in the same network, never keeps it waiting.
type counters struct {
	place, account strikes
	network        bucket
}

// reserve counts a guess, or refuses it with a *ThrottledError.
func (t Throttle) reserve(c *counters, known bool, now time.Time) error {
	wait := c.place.wait(now, t.Free, t.Delay, t.DelayMax)
	if !known {
		wait = max(wait, c.account.wait(now, t.Free, t.Delay, t.AccountDelayMax),
			c.network.wait(now, t.NetworkBurst, t.NetworkEvery))
	}
	if wait > 0 {
		return &ThrottledError{RetryAfter: wait}
	}
	c.place = strikes{c.place.n + 1, now}
	if !known {
		c.account = strikes{c.account.n + 1, now}
		c.network.full = c.network.full.Add(t.NetworkEvery)
	}
	return nil
}

// take removes n strikes, and one guess of the network.
func (t Throttle) take(c *counters, known bool, n int) error {
	c.place.n -= n
	if !known {
		c.account.n -= n
		c.network.full = c.network.full.Add(-t.NetworkEvery)
	}
	return nil
}

// register counts a registration of a network, or refuses it.
func (t Throttle) register(b *bucket, now time.Time) error {
	if wait := b.wait(now, t.RegisterBurst, t.RegisterEvery); wait > 0 {
		return &ThrottledError{RetryAfter: wait}
	}
	b.full = b.full.Add(t.RegisterEvery)
	return nil
}
