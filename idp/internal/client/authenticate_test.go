package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"signet/data"
	"signet/idp/internal/config"
	"signet/idp/internal/wire"
)

const strong = "a:secret+with%reserved&characters=é"

var redirects = data.Metadata{RedirectURIs: []string{"https://app.example.com/cb"}}

func with(m data.Metadata, method string) data.Metadata {
	m.AuthMethod = method
	return m
}

// some are clients of each method that has no keys.
func some() []config.Client {
	return []config.Client{
		{ID: "basic", Secret: strong, Metadata: redirects},
		{ID: "post", Secret: strong, Metadata: with(redirects, wire.AuthClientSecretPost)},
		{ID: "public", Metadata: redirects},
		{ID: "sha", SecretSHA256: "e5ca1b0ff6a2d2e6cf39b6c02b4ea2c5a9d4f0ac8a49ec0cf1f1c08b4a0ad8a2", Metadata: redirects},
		{ID: "with:colon", Secret: strong, Metadata: redirects},
	}
}

// RFC 6749, section 2.3: client authentication.
func TestRFC6749Section23(t *testing.T) {
	f := newFixture(t, "", some()...)
	for _, tt := range []struct {
		name           string
		user, password string
		form           []string
		client, code   string
	}{
		{"a secret in the header", "basic", strong, nil, "basic", ""},
		{"a name with a colon", "with:colon", strong, nil, "with:colon", ""},
		{"the same client in the form", "basic", strong, []string{"client_id", "basic"}, "basic", ""},
		{"a secret in the form", "", "", []string{"client_id", "post", "client_secret", strong}, "post", ""},
		{"a public client", "", "", []string{"client_id", "public"}, "public", ""},
		{"an empty secret of a public client", "", "", []string{"client_id", "public", "client_secret", ""}, "public", ""},

		{"a wrong secret", "basic", strong + "x", nil, "", wire.CodeInvalidClient},
		{"a wrong secret in the form", "", "", []string{"client_id", "post", "client_secret", "x"}, "", wire.CodeInvalidClient},
		{"no secret", "", "", []string{"client_id", "basic"}, "", wire.CodeInvalidClient},
		{"an empty secret in the header", "basic", "", nil, "", wire.CodeInvalidClient},
		{"an empty secret of a client that has none", "public", "", nil, "", wire.CodeInvalidClient},
		{"an unknown client", "nobody", strong, nil, "", wire.CodeInvalidClient},
		{"an unknown client without a secret", "", "", []string{"client_id", "nobody"}, "", wire.CodeInvalidClient},
		{"the header of one that registered the form", "post", strong, nil, "", wire.CodeInvalidClient},
		{"the form of one that registered the header", "", "", []string{"client_id", "basic", "client_secret", strong}, "", wire.CodeInvalidClient},
		{"a secret of a public client", "", "", []string{"client_id", "public", "client_secret", "x"}, "", wire.CodeInvalidClient},
		{"nobody at all", "", "", nil, "", wire.CodeInvalidClient},
		{"a secret of nobody", "", "", []string{"client_secret", strong}, "", wire.CodeInvalidClient},

		{"two ways at once", "basic", strong, []string{"client_secret", strong}, "", wire.CodeInvalidRequest},
		{"header and assertion", "basic", strong, []string{"client_assertion", "x"}, "", wire.CodeInvalidRequest},
		{"secret and assertion", "", "", []string{"client_id", "post", "client_secret", strong, "client_assertion", "x"}, "", wire.CodeInvalidRequest},
		{"two clients at once", "basic", strong, []string{"client_id", "post"}, "", wire.CodeInvalidRequest},
		{"an assertion without its type", "", "", []string{"client_assertion", "x"}, "", wire.CodeInvalidRequest},
		{"a type without its assertion", "", "", []string{"client_assertion_type", wire.AssertionJWTBearer}, "", wire.CodeInvalidRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := f.authenticate(t, tt.user, tt.password, tt.form...)
			if tt.code == "" {
				if err != nil || c.ID != tt.client {
					t.Fatalf("got %v, %v", c, err)
				}
				return
			}
			var e *wire.Error
			if !errors.As(err, &e) || e.Code != tt.code {
				t.Fatalf("got %v, %v; want %s", c, err, tt.code)
			}
			if tt.code == wire.CodeInvalidClient && (e.Status != http.StatusUnauthorized || (e.Challenge != "") != (tt.user != "")) {
				t.Errorf("status %d, challenge %q", e.Status, e.Challenge)
			}
		})
	}
}

func TestAnUnknownClientIsAnsweredAsAWrongSecret(t *testing.T) {
	f := newFixture(t, "", some()...)
	_, unknown := f.authenticate(t, "nobody", "x")
	_, wrong := f.authenticate(t, "basic", "x")
	_, method := f.authenticate(t, "post", strong)
	if unknown.Error() != wrong.Error() || wrong.Error() != method.Error() {
		t.Errorf("%v\n%v\n%v", unknown, wrong, method)
	}
}

func TestAHeaderThatIsNotBasicIsRefused(t *testing.T) {
	f := newFixture(t, "", some()...)
	for _, header := range []string{"", "Basic", "Basic !", "Bearer abc", "Basic YmFzaWM", "Basic YmFzaWM=", "Basic OnNlY3JldA==", "Basic JXp6OiV6eg=="} {
		req := httptest.NewRequest(http.MethodPost, "/", nil)
		req.Header.Set("Authorization", header)
		var e *wire.Error
		if _, err := f.Authenticate(t.Context(), req, form(t)); !errors.As(err, &e) || e.Code != wire.CodeInvalidClient || e.Challenge == "" {
			t.Errorf("%q gave %v", header, err)
		}
	}
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	req.Header["Authorization"] = []string{"Basic YTpi", "Basic YTpi"}
	var e *wire.Error
	if _, err := f.Authenticate(t.Context(), req, form(t)); !errors.As(err, &e) || e.Code != wire.CodeInvalidRequest {
		t.Errorf("two headers gave %v", err)
	}
}
