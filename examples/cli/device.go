package main

import (
	"context"
	"fmt"

	"golang.org/x/oauth2"
)

// device signs in by a code that the person types on any device: RFC 8628.
func (t *tool) device(ctx context.Context) (*oauth2.Token, error) {
	code, err := t.oauth.DeviceAuth(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(t.out, "Open %s and type the code %s\n", code.VerificationURI, code.UserCode)
	if code.VerificationURIComplete != "" {
		fmt.Fprintf(t.out, "or open %s and compare the code.\n", code.VerificationURIComplete)
	}
	token, err := t.oauth.DeviceAccessToken(ctx, code) // waits, and asks no faster than it may
	if err != nil {
		return nil, err
	}
	return token, t.check(ctx, token, "")
}
