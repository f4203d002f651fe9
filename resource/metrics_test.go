package resource_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/dpop"
	"signet/resource/internal/issuertest"
)

// counts is Metrics that remember.
type counts struct {
	mu       sync.Mutex
	outcomes []resource.Outcome
	fetches  []resource.Fetch
}

func (c *counts) Verified(o resource.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outcomes = append(c.outcomes, o)
}

func (c *counts) Fetched(f resource.Fetch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fetches = append(c.fetches, f)
}

// taken returns the outcomes since it was last called.
func (c *counts) taken() []resource.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.outcomes
	c.outcomes = nil
	return out
}

func TestEveryVerificationIsCountedOnce(t *testing.T) {
	c := new(counts)
	metrics := resource.WithMetrics(c)
	a, b := newHouse(t, houseA, "api", metrics), newHouse(t, houseB, "api", metrics)
	is := newIssuers(t, a.v, b.v)
	holder := newClient(t, b.Issuer, "ES256")
	proof := holder.prove()
	request := func(authorization string, proofs ...string) func(resource.Guard) error {
		return func(g resource.Guard) error {
			r := httptest.NewRequest(http.MethodGet, "/posts", nil)
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			r.Header["Dpop"] = proofs
			// Twice, as by two middlewares of which one stands inside the other.
			r, ok := g.Admit(httptest.NewRecorder(), r, resource.Requirement{})
			if ok {
				g.Admit(httptest.NewRecorder(), r, resource.Requirement{Scopes: []string{"posts"}})
			}
			return nil
		}
	}
	call := func(need resource.Requirement, values ...string) func(resource.Guard) error {
		return func(g resource.Guard) error {
			_, err := g.AdmitBearer(t.Context(), values, need)
			return err
		}
	}
	const scope, authn = resource.OutcomeScope, resource.OutcomeAuthentication
	for _, step := range []struct {
		name string
		do   func(resource.Guard) error
		want []resource.Outcome
	}{
		{"a request", request("Bearer " + b.Token()), []resource.Outcome{resource.Accepted}},
		{"a request without a token", request(""), []resource.Outcome{resource.OutcomeNoToken}},
		{"a request that is malformed", request("Bearer a b"), []resource.Outcome{resource.OutcomeRequest}},
		{"a token that is malformed", request("Bearer x"), []resource.Outcome{resource.OutcomeMalformed}},
		{"a stranger's token", request("Bearer " + issuertest.New(t, "https://c.example").Token()), []resource.Outcome{resource.OutcomeIssuer}},
		{"a bound token with its proof", request("DPoP "+holder.token, proof), []resource.Outcome{resource.Accepted}},
		{"the same again", request("DPoP "+holder.token, proof), []resource.Outcome{resource.OutcomeReplay}},
		{"the same, with another proof", request("DPoP "+holder.token, holder.prove()), []resource.Outcome{resource.Remembered}},
		{"no proof", request("DPoP " + holder.token), []resource.Outcome{resource.OutcomeNoProof}},
		{"a proof that is none", request("DPoP "+holder.token, "x"), []resource.Outcome{resource.OutcomeProof}},
		{"a bound token as a bearer token", request("Bearer " + holder.token), []resource.Outcome{resource.OutcomeBound}},
		{"a call", call(resource.Requirement{}, "Bearer "+b.Token()), []resource.Outcome{resource.Accepted}},
		{"a call without a token", call(resource.Requirement{}), []resource.Outcome{resource.OutcomeNoToken}},
		{"a call that lacks a scope", call(resource.Requirement{Scopes: []string{"x"}}, "Bearer "+b.Token()), []resource.Outcome{resource.Accepted, scope}},
		{"a call that lacks a role", call(resource.Requirement{Roles: []string{"x"}}, "Bearer "+b.Token()), []resource.Outcome{resource.Accepted, scope}},
		{"a call whose sign-in is weak", call(resource.Requirement{ACR: []string{"x"}}, "Bearer "+b.Token()), []resource.Outcome{resource.Accepted, authn}},
	} {
		err := step.do(is)
		if got := c.taken(); !slices.Equal(got, step.want) {
			t.Errorf("%s: counted %v (%v), want %v", step.name, got, err, step.want)
		}
	}
	raw := b.Token()
	for _, want := range []resource.Outcome{resource.Accepted, resource.Remembered, resource.Remembered} {
		if _, err := b.v.Verify(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
		if got := c.taken(); !slices.Equal(got, []resource.Outcome{want}) {
			t.Errorf("counted %v, want %v", got, want)
		}
	}
	if _, err := is.VerifyBound(t.Context(), raw, dpop.Proof{}); !errors.Is(err, resource.ErrUnbound) || !slices.Equal(c.taken(), []resource.Outcome{resource.OutcomeUnbound}) {
		t.Errorf("VerifyBound: %v", err)
	}
}

func TestEveryFetchIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(counts)
		i := issuertest.New(t, issuerURL)
		v := newVerifier(t, resource.WithHTTPClient(i.Client()), resource.WithMetrics(c), resource.WithLongPoll(20*time.Second))
		time.Sleep(30 * time.Second)                       // one long poll of 20 seconds, and a half
		i.Set(func(k *issuertest.Knobs) { k.Down = true }) // breaks the one that waits
		time.Sleep(time.Second)
		v.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		want := []resource.Fetch{
			{Document: resource.DocumentMetadata},
			{Document: resource.DocumentKeys},
			{Document: resource.DocumentKeys, Waited: true, Took: 20 * time.Second},
			{Document: resource.DocumentKeys, Waited: true, Took: 10 * time.Second, Failed: true},
			{Document: resource.DocumentKeys, Failed: true},
		}
		if len(c.fetches) < len(want) || !slices.Equal(c.fetches[:len(want)], want) {
			t.Errorf("got %+v", c.fetches)
		}
	})
}

func TestStatusListsAreCountedAsWhatTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(counts)
		i := issuertest.New(t, issuerURL)
		here := i.OpenList("a", 100, false)
		v := newVerifier(t, resource.WithHTTPClient(i.Client()), resource.WithMetrics(c))
		raw := i.Token(issuertest.At(here, 7))
		for range 2 {
			if _, err := v.Verify(t.Context(), raw); err != nil {
				t.Fatal(err)
			}
		}
		i.Revoke("a", 7)
		time.Sleep(time.Second)
		if _, err := v.Verify(t.Context(), raw); !errors.Is(err, resource.ErrRevoked) {
			t.Errorf("got %v", err)
		}
		if got, want := c.taken(), []resource.Outcome{resource.Accepted, resource.Remembered, resource.OutcomeRevoked}; !slices.Equal(got, want) {
			t.Errorf("counted %v, want %v", got, want)
		}
		v.Close()
		documents := make(map[resource.Document]bool)
		for _, f := range c.fetches {
			documents[f.Document] = !f.Failed
		}
		want := map[resource.Document]bool{resource.DocumentMetadata: true, resource.DocumentKeys: true, resource.DocumentList: true, resource.DocumentLists: true}
		if !maps.Equal(documents, want) {
			t.Errorf("fetched %v", documents)
		}
	})
}

func TestWhatCloseBreaksOffIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(counts)
		v := newVerifier(t, resource.WithHTTPClient(issuertest.New(t, issuerURL).Client()), resource.WithMetrics(c))
		synctest.Wait() // a long poll is under way
		v.Close()
		if len(c.fetches) != 2 || c.fetches[1].Failed {
			t.Errorf("got %+v", c.fetches)
		}
	})
}

// expvarLike counts as metrics do: a map, and no more.
type expvarLike map[resource.Outcome]int

func (e expvarLike) Verified(o resource.Outcome) { e[o]++ }
func (e expvarLike) Fetched(resource.Fetch)      {}

func TestMetricsCostARememberedTokenNothing(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	raw := i.Token()
	allocations := func(opts ...resource.Option) float64 {
		v := newVerifier(t, append(opts, static(i.Key()))...)
		return testing.AllocsPerRun(200, func() {
			if _, err := v.Verify(context.Background(), raw); err != nil {
				t.Fatal(err)
			}
		})
	}
	seen := make(expvarLike)
	without, with := allocations(), allocations(resource.WithMetrics(seen))
	if with > without {
		t.Errorf("%v allocations, and %v without metrics", with, without)
	}
	if want := (expvarLike{resource.Accepted: 1, resource.Remembered: 200}); !maps.Equal(seen, want) {
		t.Errorf("counted %v", seen)
	}
}
