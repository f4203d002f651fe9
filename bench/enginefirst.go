package main

import (
	"context"
	"fmt"
	"time"

	"signet/prove/issuer"
)

// strangers are how many people sign in at one issuer, and then refresh at the
// other.
const strangers = 32

// firstSights counts what a refresh takes where neither grant nor person are in
// memory, as most are not where there are many.
func (out *Engines) firstSights(ctx context.Context, worlds []*engineWorld) error {
	for _, w := range worlds {
		if len(w.issuers) != 2 {
			continue
		}
		if err := w.settled(ctx); err != nil {
			return err
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

// settled waits until the first issuer knows what the other one reads.
func (w *engineWorld) settled(ctx context.Context) error {
	client := issuer.NewClient(w.issuers[0].URL)
	defer client.Close()
	for began := time.Now(); ; {
		t, a := client.Login(ctx, email, password)
		switch {
		case a.Result != issuer.Done:
			return fmt.Errorf("login: %s", a)
		case len(t.Refresh) == hintedLength:
			return nil
		case time.Since(began) > 8*lease:
			return fmt.Errorf("after %s refresh tokens still have no hint", time.Since(began).Round(time.Second))
		}
	}
}

// hintedLength is that of a refresh token with a hint, and its prefix.
const hintedLength = len("signet_rt_") + 96

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
