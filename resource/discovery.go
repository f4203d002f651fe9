package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
)

var (
	errOtherIssuer = errors.New("the metadata is another issuer's")
	errMetadata    = errors.New("the metadata is not a JSON object with unique names")
)

// issuerMetadata is what a verifier wants of its issuer's metadata.
type issuerMetadata struct {
	Issuer  string `json:"issuer"`
	JWKSURI string `json:"jwks_uri"`
	// StatusLists is where the issuer says which lists it has, or empty (Token
	// Status List, section 9.1).
	StatusLists string `json:"status_list_aggregation_endpoint"`
}

// discover reads where the issuer publishes its keys: in its metadata as an
// authorization server (RFC 8414 section 3), or where there is none, as an
// OpenID provider.
func discover(ctx context.Context, f fetcher, issuer string, id *url.URL, insecure bool) (issuerMetadata, error) {
	f.document = DocumentMetadata
	a, err := f.get(ctx, wellKnown(id, "oauth-authorization-server"), "", 0)
	if errors.Is(err, statusError(http.StatusNotFound)) {
		a, err = f.get(ctx, id.JoinPath(".well-known/openid-configuration").String(), "", 0)
	}
	if err != nil {
		return issuerMetadata{}, fmt.Errorf("metadata: %w", err)
	}
	return readMetadata(a.body, issuer, id, insecure)
}

// readMetadata reads the document. The issuer must name itself exactly as it
// was named to us (RFC 8414 section 3.3): else the answer of one issuer could
// stand in for another's.
func readMetadata(body []byte, issuer string, id *url.URL, insecure bool) (m issuerMetadata, err error) {
	if err := json.Unmarshal(body, &m); err != nil {
		return issuerMetadata{}, errMetadata
	}
	if m.Issuer != issuer {
		return issuerMetadata{}, errOtherIssuer
	}
	// An issuer on https keeps its keys on https; one on plain http was allowed
	// to, and its keys are held to the same rule.
	u, err := checkURL(m.JWKSURI, insecure && id.Scheme == "http")
	if err != nil {
		return issuerMetadata{}, fmt.Errorf("jwks_uri: %w", err)
	}
	if id.Scheme == "https" && u.Scheme != "https" {
		return issuerMetadata{}, errors.New("jwks_uri: plain http from an issuer on https")
	}
	if m.StatusLists != "" && !ownURL(issuer, m.StatusLists) {
		return issuerMetadata{}, errors.New("status_list_aggregation_endpoint: not a plain URL below the issuer's own")
	}
	return m, nil
}

// ownURL says whether raw is a URL below the issuer's own, written in the one
// way that nobody can read otherwise: no query, no escape, no dots that lead
// elsewhere. What an issuer's token names is fetched only from the issuer.
func ownURL(issuer, raw string) bool {
	path, ok := strings.CutPrefix(raw, strings.TrimSuffix(issuer, "/")+"/")
	if !ok || len(raw) > maxOwnURL {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, notPlain) {
			return false
		}
	}
	return true
}

// maxOwnURL bounds what is kept of a token for longer than its request.
const maxOwnURL = 1 << 10

// notPlain is true of all but the unreserved characters of RFC 3986 section 2.3
// and those that need no escape in a path and mean nothing there.
func notPlain(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._~:=,", r)
}
