package client

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"signet/data"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/config"
	"signet/idp/internal/secret"
	"signet/idp/internal/wire"
)

// FromConfig makes the clients that the configuration declares. It reads the
// files with their secrets. No error holds a secret.
func FromConfig(c config.Config) ([]*Client, error) {
	rules := c.ClientRules()
	var all []*Client
	var failed error
	for _, declared := range c.Clients {
		made, err := fromConfig(declared, rules)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("client %s in the configuration: %w", declared.ID, err))
			continue
		}
		all = append(all, made)
	}
	return all, failed
}

func fromConfig(d config.Client, rules metadata.Rules) (*Client, error) {
	c := &Client{Source: Configured, Client: data.Client{
		ID: d.ID, Metadata: d.Metadata,
		FirstParty: d.FirstParty, RequirePKCE: d.RequirePKCE,
		Audiences: d.Audiences, ExchangeAudiences: d.ExchangeAudiences, Introspect: d.Introspect,
	}}
	c.AuthMethod = d.AuthMethod()
	if err := rules.Complete(&c.Metadata); err != nil {
		return nil, err
	}
	if d.SecretSHA256 != "" {
		if n, err := hex.Decode(c.SecretHash[:], []byte(d.SecretSHA256)); err != nil || n != len(c.SecretHash) {
			return nil, errors.New("secret_sha256 must be 64 hexadecimal digits")
		}
	}
	text := []byte(d.Secret)
	if d.SecretFile != "" {
		var err error
		if text, err = secret.ReadFile(d.SecretFile); err != nil {
			return nil, err
		}
	}
	if len(text) > 0 {
		if len(text) < config.MinClientSecret {
			return nil, fmt.Errorf("its secret must have at least %d bytes", config.MinClientSecret)
		}
		c.SecretHash = sha256.Sum256(text)
		if c.AuthMethod == wire.AuthClientSecretJWT {
			c.secret = text
		}
	}
	c.ready()
	return c, nil
}
