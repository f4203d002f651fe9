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
	What:  "POST /login, bcrypt cost 10, a hashing worker a processor",
	Floor: "Echo, JSON, one bcrypt of that cost",
	// The issuer keeps half of the processors free of hashing, and turns
	// people away after a while: here only the work counts. The storm has
	// its own settings.
	Settings: issuer.Settings{
		"passwords.hashing_workers": fmt.Sprint(runtime.NumCPU()),
		"passwords.hashing_wait":    "60s",
		"limits.request_timeout":    "2m",
	},
	Prepare: prepareLogin,
}

func prepareLogin(ctx context.Context, s *Stage) (signet, floor Side, err error) {
	if err := register(ctx, s.Signet); err != nil {
		return signet, floor, err
	}
	ask := func(_ context.Context, _ int, c *load.Conn) error { return askLogin(c) }
	return http(s.Signet, ask), http(s.Floor, ask), nil
}

var loginBody = fmt.Appendf(nil, `{"email":%q,"password":%q}`, email, password)

func askLogin(c *load.Conn) error {
	body, err := c.Do("/login", loginBody)
	if err == nil && !bytes.Contains(body, []byte(`"access_token":"`)) {
		err = errors.New("an answer without a token")
	}
	return err
}
