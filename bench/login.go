package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

var loginRow = Row{
	Name:  "login",
	Alg:   "ES256",
	What:  "POST /login, bcrypt cost 10, a hashing worker a processor",
	Floor: "Echo, JSON, one bcrypt of that cost",
	// The issuer keeps half of the processors free of hashing, and turns
	// people away after a while: here only the work counts. The storm has
	// its own settings.
	Settings: everyProcessor.With(issuer.Settings{
		"passwords.hashing_wait": "60s",
		"limits.request_timeout": "2m",
	}),
	Prepare: prepareLogin,
}

// everyProcessor may hash passwords.
var everyProcessor = issuer.Settings{"passwords.hashing_workers": fmt.Sprint(runtime.NumCPU())}

func prepareLogin(ctx context.Context, s *Stage) (measured, floor Side, err error) {
	p, err := s.own()
	if err != nil {
		return measured, floor, err
	}
	if err := register(ctx, p); err != nil {
		return measured, floor, err
	}
	ask := func(_ context.Context, _ int, c *load.Conn) error { return askLogin(c) }
	return s.measured(p.URL, ask), s.floorSide(ask), nil
}

var loginBody = fmt.Appendf(nil, `{"email":%q,"password":%q}`, email, password)

func askLogin(c *load.Conn) error {
	body, err := c.Do(load.Request{Path: "/login", Body: loginBody, Type: load.JSON})
	if err == nil && !bytes.Contains(body, []byte(`"access_token":"`)) {
		err = errors.New("an answer without a token")
	}
	return err
}
