package main

import (
	"bytes"
	"context"
)

var discoveryRow = sameDocument("discovery", "GET the metadata of OpenID Connect Discovery", bytes.Equal,
	func(_ context.Context, s *Stage) (string, error) { return endpoint("discovery", s.Provider.Discovery) }, ofFloor(0.85))
