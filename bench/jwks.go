package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

var jwksRow = Row{
	Name:    "jwks",
	What:    "GET /.well-known/jwks.json",
	Floor:   "bare Echo, the same bytes",
	Prepare: prepareJWKS,
}

var errOther = errors.New("another answer than the first one")

func prepareJWKS(ctx context.Context, s *Stage) (signet, floor Side, err error) {
	client := issuer.NewClient(s.Signet.URL)
	defer client.Close()
	answer := client.JWKS(ctx)
	if answer.Result != issuer.Done {
		return signet, floor, fmt.Errorf("%s", answer)
	}
	if err := os.WriteFile(filepath.Join(s.Floor.State, "jwks.json"), answer.Body, 0o600); err != nil {
		return signet, floor, err
	}
	ask := func(_ context.Context, _ int, c *load.Conn) error { return askJWKS(c, answer.Body) }
	return http(s.Signet, ask), http(s.Floor, ask), nil
}

func askJWKS(c *load.Conn, want []byte) error {
	body, err := c.Do("/.well-known/jwks.json", nil)
	if err == nil && !bytes.Equal(body, want) {
		err = errOther
	}
	return err
}
