//go:build browser

package browser_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"signet/prove/child"
)

// house is an issuer with the addresses of all who use it. They are started by
// the tests that need them.
type house struct {
	t      *testing.T
	issuer string // on 127.0.0.1, which is another site than localhost
	// The applications: main is told of a logout by back channel, other by
	// front channel; posted takes its answers by form_post, for which it is on
	// the issuer's site.
	main, other, posted string
	spa, api            string
	running             *child.Process
}

// secret is that of every application: it is a test's.
const secret = "a secret of forty characters, or nearly so"

// settings are the issuer's, as a person would write them.
var settings = template.Must(template.New("").Parse(`
issuer: {{.Issuer}}
listen: {{.Listen}}
state: {{.State}}
keys: {algs: [ES256, RS256]}
passwords: {bcrypt_cost: 10}
fetch: {allow: [127.0.0.0/8, "::1/128"]}
clients:
  - id: main
    client_name: Main app
    secret: {{.Secret}}
    redirect_uris: [{{.Main}}/callback]
    post_logout_redirect_uris: [{{.Main}}/signed-out]
    backchannel_logout_uri: {{.Main}}/backchannel-logout
    backchannel_logout_session_required: true
    initiate_login_uri: {{.Main}}/login
  - id: other
    client_name: Other app
    secret: {{.Secret}}
    redirect_uris: [{{.Other}}/callback]
    post_logout_redirect_uris: [{{.Other}}/signed-out]
    frontchannel_logout_uri: {{.Other}}/frontchannel-logout
    frontchannel_logout_session_required: true
  - id: posted
    client_name: Posted app
    secret: {{.Secret}}
    redirect_uris: [{{.Posted}}/callback]
    post_logout_redirect_uris: [{{.Posted}}/signed-out]
  - id: spa
    client_name: Single-page app
    first_party: true
    token_endpoint_auth_method: none
    redirect_uris: [{{.SPA}}/]
    post_logout_redirect_uris: [{{.SPA}}/]
  - id: cli
    client_name: Command line
    application_type: native
    token_endpoint_auth_method: none
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", authorization_code, refresh_token]
    redirect_uris: ["http://127.0.0.1/callback"]
`))

// newHouse starts an issuer; more, as NAME=value, wins over the settings.
func newHouse(t *testing.T, more ...string) *house {
	t.Helper()
	ports := child.FreePorts(t, 6)
	local := func(n int) string { return "http://localhost:" + ports[n] }
	h := &house{t: t, issuer: "http://127.0.0.1:" + ports[0], main: local(1), other: local(2),
		posted: "http://127.0.0.1:" + ports[3], spa: local(4), api: local(5)}
	dir := t.TempDir()
	var file strings.Builder
	if err := settings.Execute(&file, map[string]string{"Issuer": h.issuer, "Listen": "127.0.0.1:" + ports[0],
		"State": filepath.Join(dir, "state"), "Secret": secret, "Main": h.main, "Other": h.other, "Posted": h.posted, "SPA": h.spa}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	h.running = child.Start(t, filepath.Join(bin, "idp"), []string{"--config", path}, more, "listening on")
	return h
}

// listen is what a command needs to be at a URL.
func listen(url string) string { return strings.TrimPrefix(url, "http://") }

// start runs one of the examples or the demo, and waits until it listens.
func (h *house) start(name, url string, args ...string) {
	h.t.Helper()
	args = append([]string{"--listen", listen(url), "--issuer", h.issuer}, args...)
	child.Start(h.t, filepath.Join(bin, name), args, []string{"CLIENT_SECRET=" + secret}, "listens on")
}

func (h *house) startMain(args ...string) {
	h.start("webapp", h.main, append([]string{"--client-id", "main", "--api", h.api + "/protected"}, args...)...)
}

func (h *house) startOther() { h.start("webapp", h.other, "--client-id", "other") }

func (h *house) startPosted() {
	h.start("webapp", h.posted, "--client-id", "posted", "--response-mode", "form_post")
}

func (h *house) startAPI() { h.start("demo", h.api, "--origin", h.spa) }

func (h *house) startSPA() { h.start("spa", h.spa, "--api", h.api) }

// cli runs the command-line tool, which ends by itself.
func (h *house) cli(args ...string) *child.Process {
	h.t.Helper()
	args = append([]string{"--issuer", h.issuer, "--api", h.api + "/protected"}, args...)
	return child.Start(h.t, filepath.Join(bin, "cli"), args, nil, "Open ")
}

// person is somebody who has an account, or will have.
type person struct{ name, email, password string }

func named(name string) person {
	return person{name, strings.ToLower(strings.Fields(name)[0]) + "@example.com", fmt.Sprintf("a long way to %s", name)}
}

var ada, bob = named("Ada Lovelace"), named("Bob Noyce")
