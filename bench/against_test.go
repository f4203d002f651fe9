package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func provider(t *testing.T, text string) (*Provider, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "provider")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return readProvider(file)
}

func TestAProvidersFile(t *testing.T) {
	for what, text := range map[string]string{
		"YAML": "name: other\nissuer: http://127.0.0.1:1\ntoken_endpoint: http://127.0.0.1:2/t\nclient_id: a\nclient_secret: b\n" +
			"parameters: {audience: api}\nrefresh_tokens: [x, y]\npid: 7\n",
		"JSON": `{"name": "other", "issuer": "http://127.0.0.1:1", "token_endpoint": "http://127.0.0.1:2/t", "client_id": "a", "client_secret": "b",
			"parameters": {"audience": "api"}, "refresh_tokens": ["x", "y"], "pid": 7}`,
	} {
		p, err := provider(t, text)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if p.Name != "other" || p.Token != "http://127.0.0.1:2/t" || p.ClientID != "a" || p.ClientSecret != "b" ||
			p.Parameters["audience"] != "api" || len(p.RefreshTokens) != 2 || p.PID != 7 {
			t.Errorf("%s: %+v", what, p)
		}
	}
}

func TestTheFileInTheDocsIsOne(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n    name: ")
	text, _, _ := strings.Cut(rest, "\n\n")
	p, err := provider(t, "name: "+strings.ReplaceAll(text, "\n    ", "\n"))
	if !found || err != nil || p.Name != "other" || p.Parameters["audience"] != "api" || len(p.RefreshTokens) != 2 || p.PID != 1234 {
		t.Errorf("%t %+v %v", found, p, err)
	}
}

func TestWhatIsWrongWithAProvidersFileIsSaid(t *testing.T) {
	for text, says := range map[string]string{
		"":                             "EOF",
		"issuer: 127.0.0.1:1":          "issuer",
		"issuer: ftp://x":              "issuer",
		"name: nothing more":           "neither an issuer nor an endpoint",
		"issuer: http://x\ntoken: y":   "token",
		"token_endpoint: http:///path": "token_endpoint",
		"issuer: http://x\ntoken_endpoint_auth_method: private_key_jwt": "private_key_jwt",
		"issuer: [":                        "yaml",
		"issuer: http://x\npid: not a pid": "pid",
	} {
		if p, err := provider(t, text); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "-against") {
			t.Errorf("%q: %+v %v", text, p, err)
		}
	}
	if _, err := readProvider(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestAProviderByItsURL(t *testing.T) {
	p, err := readProvider("http://cli%40ent:s%3Acret@127.0.0.1:9/base")
	if err != nil || p.Issuer != "http://127.0.0.1:9/base" || p.ClientID != "cli@ent" || p.ClientSecret != "s:cret" || p.Name != "127.0.0.1:9" {
		t.Errorf("%+v %v", p, err)
	}
}

func TestEndpointsThatTheFileLeavesOutAreLookedUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/.well-known/openid-configuration" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(`{"issuer":"x","jwks_uri":"http://127.0.0.1:1/jwks","token_endpoint":"http://127.0.0.1:1/token"}`))
	}))
	defer server.Close()
	p := &Provider{Issuer: server.URL + "/base/", Token: "http://127.0.0.1:2/mine"}
	if err := p.discover(context.Background()); err != nil || p.JWKS != "http://127.0.0.1:1/jwks" || p.Token != "http://127.0.0.1:2/mine" || p.Userinfo != "" {
		t.Errorf("%+v %v", p, err)
	}
	if err := (&Provider{Issuer: server.URL}).discover(context.Background()); err == nil {
		t.Error("metadata that is not there was read")
	}
	if err := (&Provider{Token: server.URL}).discover(context.Background()); err != nil {
		t.Errorf("a provider that names no issuer: %v", err)
	}
}

func TestAClientsForms(t *testing.T) {
	p := &Provider{Token: "http://127.0.0.1:1/t?x=y", ClientID: "a b", ClientSecret: "c:d", Parameters: map[string]string{"audience": "api"}}
	f, err := p.tokenForm("refresh_token", map[string][]string{})
	r := f.with("refresh_token", "x+y&z")
	if err != nil || r.Path != "/t?x=y" || r.Authorization != "Basic YStiOmMlM0Fk" || string(r.Body) != "audience=api&grant_type=refresh_token&refresh_token=x%2By%26z" {
		t.Errorf("%+v %s %v", r, r.Body, err)
	}
	again := f.with("refresh_token", "2")
	if string(r.Body) != "audience=api&grant_type=refresh_token&refresh_token=x%2By%26z" || string(again.Body) == string(r.Body) {
		t.Errorf("one request is written over another: %s", r.Body)
	}
	p.AuthMethod = "client_secret_post"
	f, err = p.form(p.Token, map[string][]string{})
	if err != nil || f.Authorization != "" || string(f.Body) != "client_id=a+b&client_secret=c%3Ad" {
		t.Errorf("%+v %s %v", f, f.Body, err)
	}
	p.AuthMethod = ""
	f, err = p.form(p.Token, map[string][]string{})
	if err != nil || string(f.with("token", "x").Body) != "token=x" {
		t.Errorf("%s %v", f.with("token", "x").Body, err)
	}
}
