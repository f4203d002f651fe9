package main

import (
	"context"
	"fmt"

	"signet/prove/issuer"
)

// strangers are how many people sign in at one issuer, and then refresh at the
// other.
const strangers = 16

// firstSights counts what a refresh takes where neither grant nor person are in
// memory, as most are not where there are many.
func (out *Engines) firstSights(ctx context.Context, worlds []*engineWorld) error {
	for _, w := range worlds {
		if len(w.issuers) != 2 {
			continue
		}
		tokens, err := w.welcome(ctx)
		if err != nil {
			return err
		}
		client := issuer.NewClient(w.issuers[1].URL)
		defer client.Close()
		var m engineMeter
		if err := m.add(ctx, w, -1); err != nil {
			return err
		}
		for _, token := range tokens {
			if _, a := client.Refresh(ctx, token); a.Result != issuer.Done {
				return fmt.Errorf("refresh: %s", a)
			}
		}
		if err := m.add(ctx, w, 1); err != nil {
			return err
		}
		out.First = append(out.First, FirstSight{w.kind, len(tokens), m.each(w, len(tokens)).Trips})
	}
	return nil
}

// welcome registers people at the first issuer, and returns their refresh
// tokens.
func (w *engineWorld) welcome(ctx context.Context) (tokens []string, err error) {
	client := issuer.NewClient(w.issuers[0].URL)
	defer client.Close()
	for i := range strangers {
		who := fmt.Sprintf("stranger%d@example.com", i)
		if a := client.Register(ctx, who, password); a.Result != issuer.Done {
			return nil, fmt.Errorf("register: %s", a)
		}
		t, a := client.Login(ctx, who, password)
		if a.Result != issuer.Done {
			return nil, fmt.Errorf("login: %s", a)
		}
		tokens = append(tokens, t.Refresh)
	}
	return tokens, nil
}
