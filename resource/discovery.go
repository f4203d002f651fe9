package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"
)

var (
	errOtherIssuer = errors.New("the metadata is another issuer's")
	errMetadata    = errors.New("the metadata is not a JSON object with unique names")
)

// discover finds where the issuer publishes its keys: in its metadata as an
// authorization server (RFC 8414 section 3), or where there is none, as an
// OpenID provider.
func discover(ctx context.Context, f fetcher, issuer string, id *url.URL, insecure bool) (string, error) {
	a, err := f.get(ctx, wellKnown(id, "oauth-authorization-server"), "", 0)
	if errors.Is(err, statusError(http.StatusNotFound)) {
		a, err = f.get(ctx, id.JoinPath(".well-known/openid-configuration").String(), "", 0)
	}
	if err != nil {
		return "", fmt.Errorf("metadata: %w", err)
	}
	return readMetadata(a.body, issuer, id, insecure)
}

// readMetadata returns the jwks_uri. The issuer must name itself exactly as it
// was named to us (RFC 8414 section 3.3): else the answer of one issuer could
// stand in for another's.
func readMetadata(body []byte, issuer string, id *url.URL, insecure bool) (string, error) {
	var m struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return "", errMetadata
	}
	if m.Issuer != issuer {
		return "", errOtherIssuer
	}
	// An issuer on https keeps its keys on https; one on plain http was allowed
	// to, and its keys are held to the same rule.
	u, err := checkURL(m.JWKSURI, insecure && id.Scheme == "http")
	if err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	if id.Scheme == "https" && u.Scheme != "https" {
		return "", errors.New("jwks_uri: plain http from an issuer on https")
	}
	return m.JWKSURI, nil
}
