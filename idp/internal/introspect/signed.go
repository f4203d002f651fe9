package introspect

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/client"
	"signet/resource/token"
)

// mediaType is that of a signed answer (RFC 9701, section 5).
const mediaType = "application/token-introspection+jwt"

// wantsSigned tells whether the answer is to be a JWT: where the request
// accepts one by name (RFC 9701, section 4), or where the client registered an
// algorithm for it (section 6) and does not ask for JSON.
func wantsSigned(h http.Header, asker *client.Client) bool {
	return accepts(h, mediaType) || asker.IntrospectionAlg != "" && !accepts(h, echo.MIMEApplicationJSON)
}

// accepts tells whether the header names the media type, and not with a quality
// of 0, which says that it is not acceptable (RFC 9110, section 12.4.2).
func accepts(h http.Header, want string) bool {
	for _, line := range h.Values("Accept") {
		for part := range strings.SplitSeq(line, ",") {
			name, params, err := mime.ParseMediaType(part)
			if err != nil || name != want {
				continue
			}
			if q, err := strconv.ParseFloat(params["q"], 64); err != nil || q > 0 {
				return true
			}
		}
	}
	return false
}

// signed is for a client that can prove later what it was told.
func (a *API) signed(c echo.Context, asker *client.Client, said answer) error {
	alg := asker.IntrospectionAlg
	if alg == "" {
		alg = asker.IDTokenAlg
	}
	checked, err := a.Mint.Introspection(token.Alg(alg), asker.ID, said)
	if err != nil {
		return err
	}
	signed, err := a.Mint.Sign(checked)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, mediaType, []byte(signed.Value))
}
