package token

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"signet/data"
	"signet/idp/internal/wire"
)

// codes are all that RFC 6749, section 5.2, and its extensions let the
// endpoint say.
var codes = []string{
	wire.CodeInvalidRequest, wire.CodeInvalidClient, wire.CodeInvalidGrant, wire.CodeUnauthorizedClient, wire.CodeUnsupportedGrantType,
	wire.CodeInvalidScope, wire.CodeInvalidTarget, wire.CodeInvalidDPoPProof, wire.CodeAuthorizationPending, wire.CodeSlowDown,
	wire.CodeAccessDenied, wire.CodeExpiredToken,
}

// FuzzToken sends any form with any headers. The words CODE, REFRESH, ACCESS,
// DEVICE and ASSERTION stand for good ones.
func FuzzToken(f *testing.F) {
	f.Fuzz(func(t *testing.T, body, authorization, proof string) {
		w := newWorld(t)
		key := theSigner()
		w.publish(key)
		first := w.post(w.redeeming(w.newCode())).ok()
		device := w.newDevice()
		w.decide(device, data.Allowed)
		words := strings.NewReplacer("CODE", w.newCode(), "REFRESH", first.RefreshToken, "ACCESS", first.AccessToken,
			"DEVICE", device.DeviceCode, "ASSERTION", key.assert(nil), "VERIFIER", verifier)
		header := http.Header{}
		if authorization != "" {
			header.Set("Authorization", strings.NewReplacer("WEB", basic(webSecret), "SERVICE", basic(serviceSecret), "API", basic(apiSecret)).Replace(authorization))
		}
		if proof != "" {
			header.Set("DPoP", proof)
		}
		a := w.raw(words.Replace(body), header)
		switch {
		case a.err == nil:
			var out answer
			if err := json.Unmarshal([]byte(a.body), &out); err != nil || out.AccessToken == "" || out.TokenType != "Bearer" && out.TokenType != "DPoP" || out.ExpiresIn <= 0 {
				t.Fatalf("answered %s", a.body)
			}
			if (out.TokenType == "DPoP") != (proof != "") {
				t.Fatalf("a proof was overlooked: %s", a.body)
			}
		case !slices.Contains(codes, a.err.Code):
			t.Fatalf("refused with %v because of %v", a.err, a.err.Cause)
		case a.status != http.StatusBadRequest && (a.status != http.StatusUnauthorized || a.err.Code != wire.CodeInvalidClient):
			t.Fatalf("refused with %d %v", a.status, a.err)
		case strings.ContainsFunc(a.err.Description, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' && r != '…' }):
			t.Fatalf("the description is %q", a.err.Description) // RFC 6749, section 5.2
		}
	})
}

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

var theSigner = sync.OnceValue(func() signer { return newSigner("k1") })
