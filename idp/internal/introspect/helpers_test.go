package introspect

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	wirejson "github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"signet/idp/internal/live/livetest"
	"signet/idp/internal/wire"
)

// answered is what an endpoint said.
type answered struct {
	t    testing.TB
	rec  *httptest.ResponseRecorder
	err  *wire.Error
	body string
}

// post sends a form to an endpoint. who authenticates by its secret in the
// header, or, where it has none, only says who it is; "" is nobody. Further
// parameters, and headers whose names end in a colon, are pairs.
func post(t testing.TB, w *livetest.World, endpoint func(*API) echo.HandlerFunc, who, token string, more ...string) answered {
	t.Helper()
	values, header := url.Values{}, http.Header{}
	if token != "" {
		values.Set("token", token)
	}
	secret, confidential := livetest.Secrets[who]
	if confidential {
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(who+":"+secret)))
	} else if who != "" {
		values.Set("client_id", who)
	}
	for i := 0; i < len(more); i += 2 {
		if name, found := strings.CutSuffix(more[i], ":"); found {
			header.Add(name, more[i+1])
		} else {
			values.Add(more[i], more[i+1])
		}
	}
	return raw(t, w, endpoint, values.Encode(), header)
}

func raw(t testing.TB, w *livetest.World, endpoint func(*API) echo.HandlerFunc, body string, header http.Header) answered {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header = header
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	api := New(Options{Issuer: livetest.Issuer, Clients: w.Clients, Live: w.Live, Grants: w.Grants, Mint: w.Mint, Logger: w.Logger()})
	a := answered{t: t, rec: httptest.NewRecorder()}
	if err := endpoint(api)(newEcho().NewContext(r, a.rec)); err != nil && !errors.As(err, &a.err) {
		t.Fatal(err)
	}
	a.body = strings.TrimSpace(a.rec.Body.String())
	return a
}

func introspection(a *API) echo.HandlerFunc { return a.Introspect }
func revocation(a *API) echo.HandlerFunc    { return a.Revoke }

// asks introspects.
func asks(w *livetest.World, who, token string, more ...string) answered {
	w.T.Helper()
	return post(w.T, w, introspection, who, token, more...)
}

// revokes gives a token back.
func revokes(w *livetest.World, who, token string, more ...string) answered {
	w.T.Helper()
	return post(w.T, w, revocation, who, token, more...)
}

const inactive = `{"active":false}`

// says wants that answer, as JSON.
func (a answered) says(want string) {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("refused: %v (%v)", a.err, a.err.Cause)
	}
	contentType, _, _ := strings.Cut(a.rec.Header().Get("Content-Type"), ";")
	if a.body != want || a.rec.Code != http.StatusOK || contentType != "application/json" {
		a.t.Fatalf("got  %d %s %s\nwant %s", a.rec.Code, contentType, a.body, want)
	}
}

func (a answered) active() answer {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("refused: %v (%v)", a.err, a.err.Cause)
	}
	var said answer
	if err := json.Unmarshal([]byte(a.body), &said); err != nil || !said.Active {
		a.t.Fatalf("got %s, %v", a.body, err)
	}
	return said
}

func (a answered) refused(status int, code string) {
	a.t.Helper()
	if a.err == nil || a.err.Status != status || a.err.Code != code {
		a.t.Fatalf("got %v %s, want %d %s", a.err, a.body, status, code)
	}
}

// done wants the answer of a revocation, which is empty.
func (a answered) done() {
	a.t.Helper()
	if a.err != nil || a.rec.Code != http.StatusOK || a.body != "" {
		a.t.Fatalf("got %v %d %s", a.err, a.rec.Code, a.body)
	}
}

// newEcho writes JSON as the issuer does.
func newEcho() *echo.Echo {
	e := echo.New()
	e.JSONSerializer = serializer{}
	return e
}

type serializer struct{ echo.DefaultJSONSerializer }

func (serializer) Serialize(c echo.Context, v any, _ string) error {
	return wirejson.MarshalWrite(c.Response(), v)
}
