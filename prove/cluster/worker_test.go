//go:build engines && unix

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"signet/prove/history"
	"signet/prove/issuer"
)

// worker is a client with people and grants of its own. It does one step after
// the other; in a step it may ask several times at once.
type worker struct {
	*crew
	name   string
	rand   *rand.Rand
	client *issuer.Client
	people []string
	chains []*chain // those that it works with
	put    []*chain // those that it has put aside, dead or alive
}

const (
	password   = "correct horse battery staple"
	mostPeople = 4
	mostChains = 3
	mostSteps  = 25 // of a chain: a history that is longer is judged more slowly
)

func (w *worker) work(ctx context.Context) {
	every := time.NewTicker(pace)
	defer every.Stop()
	defer w.client.Close()
	// A step that has begun is finished: the cluster is well by then.
	whole := context.WithoutCancel(ctx)
	for {
		select {
		case <-every.C:
			w.step(whole)
			w.stepDone()
		case <-ctx.Done():
			return
		}
	}
}

func (w *worker) step(ctx context.Context) {
	dice := w.rand.IntN(100)
	switch {
	case len(w.people) == 0, dice < 2 && len(w.people) < mostPeople:
		w.register(ctx)
	case len(w.chains) < mostChains:
		w.signIn(ctx, w.people[w.rand.IntN(len(w.people))])
	case dice < 12:
		w.ownToken(ctx)
	case dice < 18:
		w.look(ctx, w.chains[w.rand.IntN(len(w.chains))])
	default:
		i := w.rand.IntN(len(w.chains))
		if c := w.chains[i]; !c.step(ctx) {
			w.chains = append(w.chains[:i], w.chains[i+1:]...)
			w.put = append(w.put, c)
		}
	}
}

// again is how soon a client asks once more.
const again = 50 * time.Millisecond

// insist asks until there is an answer. While something is broken that may take a
// while, and be said, but nothing is a failure of the issuer itself.
func (w *worker) insist(ctx context.Context, once func() issuer.Answer) issuer.Answer {
	every := time.NewTicker(again)
	defer every.Stop()
	asked := wait{begin: time.Now()}
	for {
		a := once()
		if a.Status == http.StatusInternalServerError {
			w.fail(fmt.Errorf("an outage was answered as a fault of the issuer: %s", a))
		}
		if a.Result != issuer.Unknown || ctx.Err() != nil {
			asked.end = time.Now()
			w.waits.add(asked)
			return a
		}
		asked.silent = append(asked.silent, a.String())
		<-every.C
	}
}

// register makes a person, who has to be there from then on.
func (w *worker) register(ctx context.Context) {
	email := fmt.Sprintf("%s-%d@example.com", w.name, len(w.people))
	first := true
	a := w.insist(ctx, func() issuer.Answer {
		c := history.Call{Kind: history.Register, Of: email, Begin: time.Now()}
		a := w.client.Register(ctx, email, password)
		c.Result, c.End = a.Result, time.Now()
		w.history.Add(c)
		if a.Result == issuer.Unknown {
			first = false
		}
		return a
	})
	if a.Result == issuer.Refused && first {
		w.fail(fmt.Errorf("%s could not register: %s", email, a))
	}
	w.people = append(w.people, email)
}

// signIn begins a grant.
func (w *worker) signIn(ctx context.Context, email string) {
	var tokens issuer.Tokens
	a := w.insist(ctx, func() (a issuer.Answer) {
		begin := time.Now()
		tokens, a = w.client.Login(ctx, email, password)
		end := time.Now()
		w.history.Add(history.Call{Kind: history.SignIn, Of: email, Result: a.Result, Begin: begin, End: end})
		if a.Result == issuer.Done {
			id, n := parse(tokens.Refresh)
			w.history.Add(history.Call{Kind: history.Start, Of: id, Got: n, Result: issuer.Done, Begin: begin, End: end})
		}
		return a
	})
	if a.Result != issuer.Done {
		w.fail(fmt.Errorf("%s could not sign in: %s", email, a))
		return
	}
	c := newChain(w, tokens)
	w.chains = append(w.chains, c)
}

// ownToken gets a token of the client's own, and gives some of them back.
func (w *worker) ownToken(ctx context.Context) {
	var access string
	a := w.insist(ctx, func() (a issuer.Answer) {
		access, a = w.c.machineToken(ctx, w.client)
		return a
	})
	if a.Result != issuer.Done {
		w.fail(fmt.Errorf("no token for the client: %s", a))
		return
	}
	own := &ware{access, &fate{}}
	w.guard.add(own)
	if w.rand.IntN(4) > 0 {
		return
	}
	own.mayEnd.Store(true)
	a = w.insist(ctx, func() issuer.Answer {
		return w.client.PostForm(ctx, "/oauth2/revoke", w.c.machine, w.c.secret, url.Values{"token": {own.access}})
	})
	if a.Result != issuer.Done {
		w.fail(fmt.Errorf("the client's token could not be revoked: %s", a))
		return
	}
	own.hasEnded()
}

// look asks what changes nothing: for the keys, and of whom the newest token of a
// grant speaks.
func (w *worker) look(ctx context.Context, c *chain) {
	a := w.insist(ctx, func() issuer.Answer { return w.client.JWKS(ctx) })
	if a.Result != issuer.Done {
		w.fail(fmt.Errorf("no keys: %s", a))
	}
	a = w.insist(ctx, func() issuer.Answer { return userinfo(ctx, w.client, c.access) })
	if a.Result != issuer.Done {
		c.loggedOut(a)
	}
	a = w.insist(ctx, func() issuer.Answer { return w.c.introspect(ctx, w.client, c.access) })
	if a.Result != issuer.Done {
		c.loggedOut(a)
	}
}

func userinfo(ctx context.Context, client *issuer.Client, access string) issuer.Answer {
	return client.Ask(ctx, http.MethodGet, "/oauth2/userinfo", access)
}

// introspect asks whether a token is active. One that is not counts as refused.
func (c *cluster) introspect(ctx context.Context, client *issuer.Client, access string) issuer.Answer {
	a := client.PostForm(ctx, "/oauth2/introspect", c.machine, c.secret, url.Values{"token": {access}})
	var said struct{ Active bool }
	if err := json.Unmarshal(a.Body, &said); a.Result == issuer.Done && (err != nil || !said.Active) {
		a.Result = issuer.Refused
	}
	return a
}

// machineToken gets a token of the client's own.
func (c *cluster) machineToken(ctx context.Context, client *issuer.Client) (access string, a issuer.Answer) {
	a = client.PostForm(ctx, "/oauth2/token", c.machine, c.secret, url.Values{"grant_type": {"client_credentials"}})
	var tokens issuer.Tokens
	if err := json.Unmarshal(a.Body, &tokens); a.Result == issuer.Done && (err != nil || tokens.Access == "") {
		a.Result = issuer.Refused
	}
	return tokens.Access, a
}

// audit signs everybody in once more, and presents the newest token of every
// grant.
func (w *worker) audit(ctx context.Context) {
	for _, email := range w.people {
		w.signIn(ctx, email)
	}
	for _, c := range append(w.put, w.chains...) {
		c.turn(ctx, c.newest)
	}
	w.client.Close()
}

// atOnce runs them behind a barrier.
func atOnce(all ...func()) {
	var ready, group sync.WaitGroup
	ready.Add(len(all))
	for _, f := range all {
		group.Go(func() { ready.Done(); ready.Wait(); f() })
	}
	group.Wait()
}
