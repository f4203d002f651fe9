package registration

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/wire"
)

const webapp = `{"redirect_uris": ["https://a.example/cb"], "client_name": "A", "client_name#de": "B"}`

// RFC 7591, section 3.2.1: the answer holds all that is registered.
func TestRFC7591Section321(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a := w.register(t, "", `{"redirect_uris": ["https://a.example/cb"], "client_name": "A", "client_name#de": "B", "unknown": true,
		"jwks_uri": "https://a.example/jwks", "logo_uri": "https://a.example/l.png", "default_max_age": 60, "id_token_signed_response_alg": "ES256",
		"request_uris": ["https://a.example/r#x"], "initiate_login_uri": "https://a.example/login", "client_id": "mine", "client_secret": "mine"}`)
	if a.status != http.StatusCreated || a.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		t.Fatalf("%d %v %v", a.status, a.header, a.body)
	}
	for name, want := range map[string]string{
		"client_name": "A", "client_name#de": "B", "jwks_uri": "https://a.example/jwks", "logo_uri": "https://a.example/l.png",
		"token_endpoint_auth_method": "client_secret_basic", "application_type": "web", "subject_type": "public", "id_token_signed_response_alg": "ES256",
		"initiate_login_uri": "https://a.example/login", "registration_client_uri": issuer + Path + "/" + a.text("client_id"),
		"scope": "openid profile email address phone offline_access posts:write",
	} {
		if a.text(name) != want {
			t.Errorf("%s is %q, want %q", name, a.text(name), want)
		}
	}
	for name, want := range map[string]string{"grant_types": "authorization_code refresh_token", "response_types": "code",
		"redirect_uris": "https://a.example/cb", "request_uris": "https://a.example/r#x"} {
		if a.list(name) != want {
			t.Errorf("%s is %q, want %q", name, a.list(name), want)
		}
	}
	if a.body["client_secret_expires_at"] != 0.0 || a.body["default_max_age"] != 60.0 || a.body["client_id_issued_at"] != float64(w.clock().Unix()) {
		t.Errorf("%v", a.body)
	}
	if !strings.HasPrefix(a.text("client_secret"), client.SecretPrefix) || !strings.HasPrefix(a.text("registration_access_token"), TokenPrefix) {
		t.Errorf("%v", a.body)
	}
	if a.text("client_id") == "mine" || a.body["unknown"] != nil || a.body["client_names"] != nil {
		t.Errorf("%v", a.body)
	}
}

func TestAPublicClientGetsNoSecret(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a := w.register(t, "", `{"redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"}`)
	if a.status != http.StatusCreated || a.body["client_secret"] != nil || a.body["client_secret_expires_at"] != nil || a.text("application_type") != "native" {
		t.Errorf("%d %v", a.status, a.body)
	}
}

// RFC 7591, section 3.2.2: what is refused, and how.
func TestRFC7591Section322(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	for _, tt := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"a redirect URI that is a script", `{"redirect_uris": ["javascript:x"]}`, 400, wire.CodeInvalidRedirectURI},
		{"no redirect URI", `{}`, 400, wire.CodeInvalidRedirectURI},
		{"an unknown method", `{"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "x"}`, 400, wire.CodeInvalidClientMetadata},
		{"keys twice", `{"redirect_uris": ["https://a.example/cb"], "jwks": {"keys": []}, "jwks_uri": "https://a.example/jwks"}`, 400, wire.CodeInvalidClientMetadata},
		{"scopes that are not there, and none that are", `{"redirect_uris": ["https://a.example/cb"], "scope": "admin"}`, 400, wire.CodeInvalidClientMetadata},
		{"a software statement", `{"redirect_uris": ["https://a.example/cb"], "software_statement": "a.b.c"}`, 400, wire.CodeUnapprovedStatement},
		{"grant types for itself alone", `{"grant_types": ["client_credentials"]}`, 400, wire.CodeInvalidClientMetadata},
		{"no signed ID tokens", `{"redirect_uris": ["https://a.example/cb"], "id_token_signed_response_alg": "none"}`, 400, wire.CodeInvalidClientMetadata},
		{"a list", `[]`, 400, wire.CodeInvalidClientMetadata},
		{"a member twice", `{"client_name": "a", "client_name": "b"}`, 400, wire.CodeInvalidClientMetadata},
		{"a value of another type", `{"redirect_uris": "https://a.example/cb"}`, 400, wire.CodeInvalidRedirectURI},
	} {
		a := w.register(t, "", tt.body)
		if a.status != tt.status || a.text("error") != tt.code {
			t.Errorf("%s: %d %v", tt.name, a.status, a.body)
		}
	}
	req := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(webapp))
	rec := httptest.NewRecorder()
	if w.echo.ServeHTTP(rec, req); rec.Code != http.StatusUnsupportedMediaType {
		t.Errorf("without a media type: %d", rec.Code)
	}
}

func TestWhatOnlyTheOperatorMaySayIsNotSaid(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a := w.register(t, "", `{"redirect_uris": ["https://a.example/cb"], "first_party": true, "require_pkce": false, "introspect": true,
		"audiences": ["api"], "exchange_audiences": ["api"], "registered": false, "used": true, "secret_hash": "x", "expires_at": "2030-01-01T00:00:00Z",
		"grant_types": ["authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"], "scope": "openid admin"}`)
	c, err := w.clients.Find(t.Context(), a.text("client_id"))
	if err != nil {
		t.Fatal(err)
	}
	if c.FirstParty || c.Introspect || c.Client.Audiences != nil || c.ExchangeAudiences != nil || !c.Registered || c.Used || c.ExpiresAt.Year() != 2026 {
		t.Errorf("%+v", c)
	}
	if a.list("grant_types") != "authorization_code" || a.text("scope") != "openid" {
		t.Errorf("%v", a.body)
	}
}

func TestWhoMayRegister(t *testing.T) {
	for _, tt := range []struct {
		mode               config.ClientRegistration
		nobody, right, bad int
	}{
		{config.ClientRegistrationOff, 403, 403, 403},
		{config.ClientRegistrationToken, 401, 201, 401},
		{config.ClientRegistrationOpen, 201, 201, 401},
	} {
		w := newWorld(t, tt.mode)
		for token, want := range map[string]int{"": tt.nobody, w.initialToken(t, 1): tt.right, "signet_ia_nothing": tt.bad} {
			a := w.register(t, token, webapp)
			if a.status != want || want == 401 && (a.text("error") != wire.CodeInvalidToken || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ")) {
				t.Errorf("%s, %.9q: %d %v", tt.mode, token, a.status, a.body)
			}
		}
	}
}

// RFC 7591, section 3: a token that is presented by a hundred at once is used
// as often as it may be.
func TestAnInitialTokenIsCounted(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationToken)
	token := w.initialToken(t, 3)
	if a := w.register(t, token, `{}`); a.status != http.StatusBadRequest {
		t.Errorf("%d", a.status) // and no use is spent
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	made := make(chan int, 100)
	for range cap(made) {
		all.Go(func() {
			<-start
			made <- w.register(t, token, webapp).status
		})
	}
	close(start)
	all.Wait()
	close(made)
	count := map[int]int{}
	for status := range made {
		count[status]++
	}
	if count[http.StatusCreated] != 3 || count[http.StatusUnauthorized] != 97 {
		t.Errorf("got %v", count)
	}
	later := w.initialToken(t, 1)
	w.now = w.now.Add(time.Hour)
	if a := w.register(t, later, webapp); a.status != http.StatusUnauthorized {
		t.Errorf("a token that is over: %d", a.status)
	}
}

func TestAClientThatWasAskedInStays(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	asked := w.register(t, w.initialToken(t, 1), `{"grant_types": ["client_credentials"]}`)
	stranger := w.register(t, "", webapp)
	if w.tried != 1 {
		t.Errorf("the limiter was asked %d times", w.tried)
	}
	w.now = w.now.Add(25 * time.Hour)
	if _, err := w.clients.Find(t.Context(), asked.text("client_id")); err != nil {
		t.Errorf("asked in: %v", err)
	}
	if _, err := w.clients.Find(t.Context(), stranger.text("client_id")); err == nil {
		t.Error("a stranger that nobody uses stays")
	}
}

func TestStrangersAreBounded(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	for range 1000 {
		if a := w.register(t, "", webapp); a.status != http.StatusCreated {
			t.Fatalf("%d %v", a.status, a.body)
		}
	}
	if a := w.register(t, "", webapp); a.status != http.StatusTooManyRequests {
		t.Errorf("beyond the cap: %d %v", a.status, a.body)
	}
	if a := w.register(t, w.initialToken(t, 1), webapp); a.status != http.StatusCreated {
		t.Errorf("asked in: %d %v", a.status, a.body)
	}
	w.full = true
	if a := w.register(t, "", webapp); a.status != http.StatusTooManyRequests {
		t.Errorf("a network that is too busy: %d %v", a.status, a.body)
	}
}
