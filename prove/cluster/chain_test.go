//go:build engines && unix

package cluster

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"signet/prove/history"
	"signet/prove/issuer"
)

// chain is a grant as its client sees it: the newest token, the one that it was
// given for, and those that are worth nothing any more.
type chain struct {
	w              *worker
	id             string
	newest, parent string
	access         string // that came with the newest
	spent          []string
	steps          int
	fate           fate // mayEnd: the client has asked for its end, or presented what was spent

	mu     sync.Mutex
	silent int  // turns that had no answer: they may come late
	over   bool // a turn was refused
}

func newChain(w *worker, tokens issuer.Tokens) *chain {
	id, _ := parse(tokens.Refresh)
	c := &chain{w: w, id: id, newest: tokens.Refresh, access: tokens.Access}
	w.guard.add(&ware{tokens.Access, &c.fate})
	return c
}

// step does one thing, and tells whether the chain goes on.
func (c *chain) step(ctx context.Context) bool {
	c.steps++
	switch dice := c.w.rand.IntN(100); {
	case dice < 12:
		c.twice(ctx)
	case dice < 18 && c.parent != "": // as if the last answer had been lost
		c.turn(ctx, c.parent)
	case dice < 20 && len(c.spent) > 0: // as a thief does
		c.fate.mayEnd.Store(true)
		c.turn(ctx, c.spent[c.w.rand.IntN(len(c.spent))])
	case dice < 24:
		c.fate.mayEnd.Store(true)
		c.end(ctx)
	case dice < 26:
		c.fate.mayEnd.Store(true)
		atOnce(func() { c.end(ctx) }, func() { c.turn(ctx, c.newest) })
	default:
		c.turn(ctx, c.newest)
	}
	if c.over || c.fate.mayEnd.Load() {
		c.turn(ctx, c.newest) // what has ended is not revived by asking
		return false
	}
	return c.steps < mostSteps
}

// twice asks for a turn twice at once, as two tabs of a browser do.
func (c *chain) twice(ctx context.Context) {
	token := c.newest
	turn := func() { c.turn(ctx, token) }
	atOnce(turn, turn)
}

// turn presents a token until there is an answer.
func (c *chain) turn(ctx context.Context, token string) {
	_, n := parse(token)
	c.w.insist(ctx, func() issuer.Answer {
		call := history.Call{Kind: history.Turn, Of: c.id, Presented: n, Begin: time.Now()}
		tokens, a := c.w.client.Refresh(ctx, token)
		call.Result, call.End = a.Result, time.Now()
		if a.Result == issuer.Done {
			_, call.Got = parse(tokens.Refresh)
		}
		c.w.history.Add(call)
		c.told(token, tokens, a)
		return a
	})
}

// told takes in the answer to a token that was presented.
func (c *chain) told(presented string, tokens issuer.Tokens, a issuer.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch a.Result {
	case issuer.Unknown:
		c.silent++
	case issuer.Refused:
		if a.Code != "invalid_grant" {
			c.w.fail(fmt.Errorf("grant %s: a turn was answered %s", c.id, a))
		}
		c.loggedOut(a)
	case issuer.Done:
		if _, n := parse(tokens.Refresh); n > generation(c.newest) {
			for _, old := range []string{c.parent, c.newest} {
				if old != "" && old != presented {
					c.spent = append(c.spent, old)
				}
			}
			c.parent, c.newest, c.access = presented, tokens.Refresh, tokens.Access
		}
		c.w.guard.add(&ware{tokens.Access, &c.fate})
	}
}

// loggedOut judges a refusal that the client did not ask for. The history
// decides whether a request without an answer explains it; where there is none,
// nothing does.
func (c *chain) loggedOut(a issuer.Answer) {
	c.over = true
	switch asked := c.fate.mayEnd.Swap(true); {
	case asked:
	case c.silent > 0:
		c.w.wasLate()
	default:
		c.w.fail(fmt.Errorf("grant %s: an honest client was logged out: %s", c.id, a))
	}
}

// end gives the grant back until that is acknowledged.
func (c *chain) end(ctx context.Context) {
	token := c.newest
	a := c.w.insist(ctx, func() issuer.Answer {
		call := history.Call{Kind: history.End, Of: c.id, Begin: time.Now()}
		a := c.w.client.Logout(ctx, token)
		call.Result, call.End = a.Result, time.Now()
		c.w.history.Add(call)
		return a
	})
	if a.Result != issuer.Done {
		c.w.fail(fmt.Errorf("grant %s could not be ended: %s", c.id, a))
		return
	}
	c.fate.hasEnded()
}

func generation(token string) uint32 {
	_, n := parse(token)
	return n
}

// parse reads what a refresh token names: its grant and its generation.
func parse(token string) (grant string, n uint32) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "signet_rt_"))
	if err != nil || len(raw) < 20 {
		panic("a refresh token of another form")
	}
	return hex.EncodeToString(raw[:16]), binary.BigEndian.Uint32(raw[16:])
}
