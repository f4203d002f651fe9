package main

import (
	"bytes"
	"context"
)

var jwksRow = sameDocument("jwks", "GET the JWKS", bytes.Equal,
	func(_ context.Context, s *Stage) (string, error) { return endpoint("jwks_uri", s.Provider.JWKS) }, ofFloor(0.85))
