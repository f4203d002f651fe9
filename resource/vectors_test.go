package resource_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/internal/vectors"
	"signet/resource/token"
)

const vectorFolder = "testdata/vectors"

// listPath is where the lists of the vectors are.
const listPath = "/lists/1"

// tokenFiles are the vectors that are access tokens; those of the RFCs are
// signatures over anything, and tested in package token.
var tokenFiles = []string{"signature.json", "header.json", "keyset.json", "encoding.json", "claims.json", "statuslist.json"}

// classes are the names of refusals in the files.
var classes = map[string]error{
	vectors.OK:       nil,
	"ErrMalformed":   resource.ErrMalformed,
	"ErrHeader":      resource.ErrHeader,
	"ErrTyp":         resource.ErrTyp,
	"ErrAlgorithm":   resource.ErrAlgorithm,
	"ErrIssuer":      resource.ErrIssuer,
	"ErrAudience":    resource.ErrAudience,
	"ErrExpired":     resource.ErrExpired,
	"ErrNotYet":      resource.ErrNotYet,
	"ErrUnknownKey":  resource.ErrUnknownKey,
	"ErrSignature":   resource.ErrSignature,
	"ErrClaims":      resource.ErrClaims,
	"ErrBinding":     resource.ErrBinding,
	"ErrBound":       resource.ErrBound,
	"ErrRevoked":     resource.ErrRevoked,
	"ErrStatus":      resource.ErrStatus,
	"ErrUnavailable": resource.ErrUnavailable,
}

func loadVectors(t testing.TB, name string) vectors.File {
	t.Helper()
	f, err := vectors.Load(vectorFolder, name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every vector meets a verifier of its own, which has the keys from where it
// has them in life: from an issuer, over HTTP.
func TestEveryVectorIsJudgedAsItsFileSays(t *testing.T) {
	used := make(map[string]bool)
	for _, name := range tokenFiles {
		f := loadVectors(t, name)
		for _, vec := range f.Vectors {
			used[vec.Want] = true
			t.Run(name+"/"+vec.Name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
					judge(t, f, vec, i, start)
				})
			})
		}
	}
	for class := range classes {
		if !used[class] {
			t.Errorf("no vector is %s", class)
		}
	}
}

func judge(t *testing.T, f vectors.File, vec vectors.Vector, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
	want, known := classes[vec.Want]
	if !known || f.Issuer != issuerURL || f.Audience != issuertest.Audience {
		t.Fatalf("not understood: %q, %q, %q", vec.Want, f.Issuer, f.Audience)
	}
	i.Set(func(k *issuertest.Knobs) {
		k.Override = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case r.URL.Path == issuertest.JWKSPath:
				_, _ = io.WriteString(w, f.Keys(vec))
			case vec.List != "" && r.URL.Path == listPath:
				_, _ = io.WriteString(w, vec.List)
			default:
				return false
			}
			return true
		}
	})
	algs := token.Algs()
	if vec.Algs != nil {
		algs = nil
		for _, alg := range vec.Algs {
			algs = append(algs, token.Alg(alg))
		}
	}
	v := start(resource.WithNow(func() time.Time { return time.Unix(f.Now, 0) }), resource.WithAlgs(algs...))
	for range 2 { // at first sight, and again
		got, err := v.Verify(t.Context(), vec.Token)
		if !errors.Is(err, want) || (want == nil) != (err == nil) || (got == nil) != (err != nil) {
			t.Errorf("got %v, want %s: %s (%s)", err, vec.Want, vec.Why, vec.Section)
		}
	}
	if !strings.HasPrefix(vec.Token, " ") { // that is one space more after the scheme (RFC 6750 section 2.1)
		answered(t, v, vec.Token, want)
	}
}

// answered sends a token through the middleware. What could be no token at all
// is a bad request (RFC 6750 section 3.1), and nothing is a failure of ours.
func answered(t *testing.T, v *resource.Verifier, raw string, why error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["Authorization"] = []string{"Bearer " + raw}
	w := httptest.NewRecorder()
	v.Middleware(whoami).ServeHTTP(w, r)
	challenge := w.Header().Get("WWW-Authenticate")
	switch {
	case w.Code == http.StatusOK && why == nil:
	case w.Code == http.StatusServiceUnavailable && why == resource.ErrUnavailable:
	case w.Code == http.StatusUnauthorized && errors.Is(why, resource.ErrInvalidToken) && strings.Contains(challenge, `error="invalid_token"`):
	case w.Code == http.StatusBadRequest && why == resource.ErrMalformed && strings.Contains(challenge, `error="invalid_request"`):
	default:
		t.Errorf("answered with %d %s, though it is %v", w.Code, challenge, why)
	}
}
