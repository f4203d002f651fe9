package resource_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"log"
	"net/http"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// A token that comes by other ways than a request: in a message of a queue.
func ExampleVerifier_Verify() {
	issuer, reachable := anIssuer("https://id.example")
	v, err := resource.New("https://id.example", "api", reachable)
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	for _, raw := range []string{
		issuer.Token(),
		issuer.Token(func(c *token.Claims) { c.Expiry = c.IssuedAt - 1 }),
		"nonsense",
	} {
		t, err := v.Verify(context.Background(), raw)
		switch {
		case err == nil:
			fmt.Println("good:", t.Subject(), t.HasScope("posts"), t.HasRole("admin"))
		case errors.Is(err, resource.ErrExpired):
			fmt.Println("ask for a new one")
		case errors.Is(err, resource.ErrInvalidToken):
			fmt.Println("never:", err)
		case errors.Is(err, resource.ErrUnavailable):
			fmt.Println("later: nobody can tell now")
		}
	}
	// Output:
	// good: alice true false
	// ask for a new one
	// never: resource: invalid token: the token is malformed
}

// A middleware for another framework needs one call. g is a Verifier or Issuers.
func ExampleVerifier_Admit() {
	type handler func(w http.ResponseWriter, r *http.Request) error // of some framework
	protect := func(g resource.Guard, need resource.Requirement, next handler) handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			r, ok := g.Admit(w, r, need)
			if !ok {
				return nil // it is answered
			}
			return next(w, r)
		}
	}
	_ = protect
}

// A page that is told of news for as long as its token is good.
func ExampleVerifier_Lifetime() {
	v, err := resource.New("https://id.example", "api")
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	news := make(chan string)

	http.Handle("GET /news", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := resource.FromContext(r.Context())
		ctx, stop := v.Lifetime(r.Context(), t)
		defer stop()
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case item := <-news:
				fmt.Fprintf(w, "data: %s\n\n", item)
				_ = http.NewResponseController(w).Flush()
			case <-ctx.Done(): // the page has gone, or the token has expired
				return
			}
		}
	})))
}

// A probe for the load balancer.
func ExampleVerifier_Health() {
	_, reachable := anIssuer("https://id.example")
	v, err := resource.New("https://id.example", "api", reachable)
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	http.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if h := v.Health(); !h.Ready() {
			http.Error(w, string(h.State)+": "+h.Problem, http.StatusServiceUnavailable)
		}
	})
}

// inExpvar publishes what a Verifier does at /debug/vars.
type inExpvar struct{ tokens, fetches *expvar.Map }

func (m inExpvar) Verified(o resource.Outcome) { m.tokens.Add(string(o), 1) }

func (m inExpvar) Fetched(f resource.Fetch) {
	what := string(f.Document)
	if f.Waited {
		what += "_waited"
	}
	if f.Failed {
		what += "_failed"
	}
	m.fetches.Add(what, 1)
	m.fetches.AddFloat(what+"_seconds", f.Took.Seconds())
}

func ExampleWithMetrics() {
	issuer, reachable := anIssuer("https://id.example")
	m := inExpvar{tokens: expvar.NewMap("tokens"), fetches: expvar.NewMap("fetches")}
	v, err := resource.New("https://id.example", "api", reachable, resource.WithMetrics(m))
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	good := issuer.Token()
	for _, raw := range []string{good, good, good, "nonsense"} {
		_, _ = v.Verify(context.Background(), raw)
	}
	fmt.Println(m.tokens)
	// Output: {"accepted": 1, "malformed": 1, "remembered": 2}
}

// A small machine remembers fewer tokens; those that it forgets are verified
// again. 0 remembers none.
func ExampleWithCacheBytes() {
	v, err := resource.New("https://id.example", "api", resource.WithCacheBytes(1<<20))
	if err != nil {
		log.Fatal(err)
	}
	v.Close()
}

// Keys that lie in the program's own memory; nothing is fetched.
func ExampleWithKeys() {
	issuer, _ := anIssuer("https://id.example")
	public := issuer.Key().Private.Public()
	v, err := resource.New("https://id.example", "api", resource.WithKeys(resource.KeyFunc(func(kid string) (resource.Key, bool) {
		return resource.Key{ID: kid, Alg: token.ES256, Public: public}, kid == "k1"
	})))
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	t, err := v.Verify(context.Background(), issuer.Token())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Subject(), t.KeyID())
	// Output: alice k1
}

// A verifier for an outage that must not stop the work: for a day the last keys
// are trusted. Who cuts the line keeps a revoked key alive for as long.
func ExampleWithMaxStale() {
	v, err := resource.New("https://id.example", "api", resource.WithMaxStale(24*time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	v.Close()
}

// A token that its issuer takes back is refused as soon as the issuer's list
// says so, which is a moment later, with no call to the issuer for a request.
// When the issuer cannot be heard, this server goes on for ten minutes.
func ExampleWithStatusMaxStale() {
	issuer, reachable := anIssuer("https://id.example")
	place := issuertest.At(issuer.OpenList("a", 1000, false), 7) // where the list says of the token whether it is good
	v, err := resource.New("https://id.example", "api", reachable, resource.WithStatusMaxStale(10*time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	raw := issuer.Token(place)
	_, err = v.Verify(context.Background(), raw)
	fmt.Println(err)

	issuer.Revoke("a", 7)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for err == nil && ctx.Err() == nil {
		_, err = v.Verify(ctx, raw)
	}
	fmt.Println(errors.Is(err, resource.ErrRevoked), v.Refuse(err).Status, v.Refuse(err).Code)
	// Output:
	// <nil>
	// true 401 invalid_token
}
