package registration

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"signet/idp/internal/wire"
)

// bearer returns the token of the Authorization header (RFC 6750, section 2.1),
// or "" where there is none.
func bearer(r *http.Request) (string, error) {
	lines := r.Header.Values("Authorization")
	switch len(lines) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", wire.Invalid("there is more than one Authorization header")
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", unauthorized("the Authorization header must hold a bearer token", nil)
	}
	return token, nil
}

// unauthorized refuses a token, or that there is none (RFC 6750, section 3).
func unauthorized(description string, cause error) *wire.Error {
	return &wire.Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidToken, Description: description,
		Challenge: `Bearer realm="signet", error="invalid_token"`, Cause: cause}
}

func hasAny(list, of []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(of, s) })
}

// marshal writes members in a fixed order.
func marshal(v any) ([]byte, error) { return json.Marshal(v, json.Deterministic(true)) }
