package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"signet/bench/internal/load"
	"signet/bench/internal/seed"
	"signet/prove/issuer"
)

// scaleRow is one request of both issuers, seeded and empty. What it asks about
// is, of the seeded store, another person, grant or client each time, as far as
// the store goes; of the empty one it is always the few that are there.
type scaleRow struct {
	name  string
	least float64 // of the empty store's rate, that is promised
	conns []int   // where what -conns says makes no sense
	ask   func(w *world) func(i int, c *load.Conn) error
}

var scaleRows = []scaleRow{
	{"jwks", 0.80, nil, askKeys}, // nothing of the store is in it
	{"refresh", 0.65, nil, askTurns},
	{"login", 0.80, oneAndAll, askLogins},
	{"userinfo", 0.80, nil, askUserinfo},
	{"introspection", 0.80, nil, askIntrospection},
	{"client_credentials", 0.80, nil, askClientTokens},
	// Each of them has asked before: see introduce.
	{anyClient, 0.80, nil, askAnyClient},
}

const anyClient = "client_credentials, any client"

// world is one of the two issuers, and what is asked of it.
type world struct {
	home   issuer.Home
	p      *issuer.Process
	store  seed.Store // no users: the empty one
	chains [][]*chain // of each connection: it turns one after the other
	access []string
	client []string // Authorization of a few clients
	all    []string // and of all that the seeded store has
}

// How many tokens are asked about on each side, and how many clients ask.
const (
	accessTokens = 256
	fewClients   = 16
)

// furnish makes chains of refresh tokens and clients for that many connections.
func (w *world) furnish(ctx context.Context, most int) error {
	if w.store.Users > 0 {
		return w.furnishSeeded(ctx, most)
	}
	first, err := loginAll(ctx, w.p, most, 4)
	if err != nil {
		return err
	}
	for _, ch := range newChains(first) {
		w.chains = append(w.chains, []*chain{ch})
	}
	for i := range fewClients {
		out, err := w.p.Command(ctx, "clients", "add", seed.ClientID(i), "--redirect-uri", callback, "--introspect",
			"--grant-type", "client_credentials", "--json").Output()
		var made struct {
			Secret string `json:"client_secret"`
		}
		if err == nil {
			err = json.Unmarshal(out, &made)
		}
		if err != nil {
			return fmt.Errorf("clients add: %w", err)
		}
		w.client = append(w.client, basic(seed.ClientID(i), made.Secret))
	}
	return w.collect(ctx)
}

func (w *world) furnishSeeded(ctx context.Context, most int) error {
	tokens, err := w.store.Tokens()
	if err != nil {
		return err
	}
	if len(tokens) < most || w.store.Clients == 0 {
		return errors.New("the seeded store is too small")
	}
	rand.Shuffle(len(tokens), func(i, j int) { tokens[i], tokens[j] = tokens[j], tokens[i] })
	w.chains = make([][]*chain, most)
	for i, ch := range newChains(tokens) {
		w.chains[i%most] = append(w.chains[i%most], ch)
	}
	// Made before, as those of the empty store are: it is no work of the issuer's.
	for i := range w.store.Clients {
		w.all = append(w.all, basic(seed.ClientID(i), seed.Secret))
	}
	for range fewClients {
		w.client = append(w.client, w.all[rand.IntN(len(w.all))])
	}
	return w.collect(ctx)
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// introduce lets each client ask once, and tells how long that took: its first
// block of the list is reserved then, which is a commit that it shares with those
// beside it. A list is open for an hour.
func (w *world) introduce(ctx context.Context, conns int) (time.Duration, error) {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i := range conns {
		group.Go(func() error {
			c, err := load.Dial(w.p.URL)
			if err != nil {
				return err
			}
			defer c.Close()
			for n := i; n < len(w.all) && ctx.Err() == nil; n += conns {
				if err := askClientToken(c, w.all[n]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	return time.Since(began), err
}

// collect takes turns for access tokens.
func (w *world) collect(ctx context.Context) error {
	client := issuer.NewClient(w.p.URL)
	defer client.Close()
	for i := range accessTokens {
		chains := w.chains[i%len(w.chains)]
		ch := chains[i/len(w.chains)%len(chains)]
		tokens, a := client.Refresh(ctx, ch.newest)
		if a.Result != issuer.Done {
			return fmt.Errorf("refresh: %s", a)
		}
		ch.newest = tokens.Refresh
		w.access = append(w.access, tokens.Access)
	}
	return nil
}

func askKeys(*world) func(int, *load.Conn) error {
	return func(_ int, c *load.Conn) error {
		_, err := c.Get("/.well-known/jwks.json")
		return err
	}
}

// askTurns turns another grant with each request of a connection.
func askTurns(w *world) func(int, *load.Conn) error {
	next := make([]int, len(w.chains))
	return func(i int, c *load.Conn) error {
		all := chains{list: w.chains[i], request: jsonRefresh("/refresh")}
		next[i]++
		_, err := all.turn(next[i]%len(all.list), c)
		return err
	}
}

func askLogins(w *world) func(int, *load.Conn) error {
	return func(_ int, c *load.Conn) error {
		body := loginBody
		if w.store.Users > 0 {
			body = fmt.Appendf(nil, `{"email":%q,"password":%q}`, seed.Email(rand.IntN(w.store.Users)), seed.Password)
		}
		answer, err := c.Do(load.Request{Path: "/login", Body: body, Type: load.JSON})
		if err == nil && !bytes.Contains(answer, []byte(`"access_token":"`)) {
			err = errors.New("an answer without a token")
		}
		return err
	}
}

func askUserinfo(w *world) func(int, *load.Conn) error {
	return func(_ int, c *load.Conn) error {
		answer, err := c.Do(load.Request{Path: "/oauth2/userinfo", Authorization: load.Bearer(w.access[rand.IntN(len(w.access))])})
		if err == nil && !bytes.Contains(answer, []byte(`"sub":"`)) {
			err = errors.New("an answer without a subject")
		}
		return err
	}
}

func askIntrospection(w *world) func(int, *load.Conn) error {
	return func(_ int, c *load.Conn) error {
		answer, err := c.Do(load.Request{Path: "/oauth2/introspect", Body: []byte("token=" + w.access[rand.IntN(len(w.access))]),
			Type: load.Form, Authorization: w.client[rand.IntN(len(w.client))]})
		if err == nil && !bytes.Contains(answer, []byte(`"active":true`)) {
			err = fmt.Errorf("a token is not active: %.100s", answer)
		}
		return err
	}
}

func askClientTokens(w *world) func(int, *load.Conn) error {
	return func(_ int, c *load.Conn) error {
		return askClientToken(c, w.client[rand.IntN(len(w.client))])
	}
}

func askAnyClient(w *world) func(int, *load.Conn) error {
	if w.store.Clients == 0 {
		return askClientTokens(w)
	}
	return func(_ int, c *load.Conn) error { return askClientToken(c, w.all[rand.IntN(len(w.all))]) }
}

func askClientToken(c *load.Conn, client string) error {
	answer, err := c.Do(load.Request{Path: "/oauth2/token", Body: []byte("grant_type=client_credentials"), Type: load.Form, Authorization: client})
	if err == nil && !bytes.Contains(answer, []byte(`"access_token":"`)) {
		err = errors.New("an answer without a token")
	}
	return err
}
