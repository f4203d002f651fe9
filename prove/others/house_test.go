//go:build others

package others

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signet/prove/child"
	"signet/prove/issuer"
	"signet/resource/dpop/dpoptest"
)

const (
	secret   = "a secret of forty characters, or nearly so"
	password = "a long way to the end"
	callback = "https://rp.example/callback" // where no browser of ours goes
)

// house is an issuer with TLS, and what it gave to people.
type house struct {
	t        *testing.T
	url      string
	audience string
	dir, cfg string
	sub      string // alice, who has the roles author and admin

	good    string // alice's access token
	plain   string // that of bob, who has no role
	author  string // that of carol, who has as many roles as one can have, and is no admin
	expired string // alice's, since a moment
	foreign string // hers by another issuer, which has the same keys
	other   string // hers for another audience
	id      string // an ID token of hers, of a client that is called like the audience
	bound   string // one that is bound to key
	key     dpoptest.Key

	running *child.Process
}

// newHouse starts an issuer three times on one store: once its tokens are short,
// and once it has another name.
func newHouse(t *testing.T, audience string) *house {
	t.Helper()
	port := child.FreePorts(t, 1)[0]
	h := &house{t: t, url: "https://localhost:" + port, audience: audience, dir: t.TempDir(), key: dpoptest.NewKey(t, "ES256")}
	h.cfg = filepath.Join(h.dir, "config.yaml")
	h.write("config.yaml", `
listen: localhost:`+port+`
issuer: `+h.url+`
tls: {cert: `+filepath.Join(bin, "cert.pem")+`, key: `+filepath.Join(bin, "key.pem")+`}
audiences: [`+audience+`, other]
passwords: {bcrypt_cost: 10}
oauth: {dpop_nonces: false}
clients:
  - {id: `+audience+`, secret: "`+secret+`", redirect_uris: [`+callback+`], first_party: true}
  - {id: service, secret: "`+secret+`", grant_types: [client_credentials]}
`)
	first := h.start("SIGNET_TOKENS_ACCESS_TTL=1s")
	client := issuer.NewClient(h.url)
	for _, name := range []string{"alice", "bob", "carol"} {
		h.done(client.Register(t.Context(), name+"@example.com", password))
	}
	h.command("users", "roles", "alice@example.com", "--add", "author", "--add", "admin")
	roles := "author"
	for n := range 31 {
		roles += fmt.Sprintf(",%064d", n)
	}
	h.command("users", "roles", "carol@example.com", "--add", roles)
	h.expired = h.login(h.url, "alice", audience)
	first.Stop()

	alias := "https://127.0.0.1:" + port
	second := h.start("SIGNET_ISSUER="+alias, "SIGNET_LISTEN=127.0.0.1:"+port)
	h.foreign = h.login(alias, "alice", audience)
	second.Stop()

	h.running = h.start()
	h.good = h.login(h.url, "alice", audience)
	h.plain = h.login(h.url, "bob", audience)
	h.author = h.login(h.url, "carol", audience)
	h.other = h.login(h.url, "alice", "other")
	h.sub = claims(t, h.good)["sub"].(string)
	h.id = h.signIn(client)
	h.bound = h.bind()
	ended := time.Unix(int64(claims(t, h.expired)["exp"].(float64)), 0)
	<-time.After(time.Until(ended)) // it has long come
	return h
}

// start runs the issuer until the test ends, or it is stopped.
func (h *house) start(env ...string) *child.Process {
	h.t.Helper()
	env = append([]string{"SIGNET_STATE=" + filepath.Join(h.dir, "state")}, env...)
	return child.Start(h.t, filepath.Join(bin, "idp"), []string{"--config", h.cfg}, env, "listening on")
}

// command runs a command beside the running issuer, and gives what it says.
func (h *house) command(args ...string) string {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "idp"), append([]string{"--config", h.cfg}, args...)...)
	cmd.Env = append(os.Environ(), "SIGNET_STATE="+filepath.Join(h.dir, "state"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("idp %s: %v\n%s", args, err, out)
	}
	return string(out)
}

func (h *house) write(name, text string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h *house) done(a issuer.Answer) issuer.Answer {
	h.t.Helper()
	if a.Result != issuer.Done {
		h.t.Fatalf("the issuer: %s %s", a, a.Body)
	}
	return a
}

func (h *house) login(at, name, audience string) (access string) {
	h.t.Helper()
	a := h.done(issuer.NewClient(at).Post(h.t.Context(), "/login", "",
		map[string]string{"email": name + "@example.com", "password": password, "audience": audience}))
	return member(h.t, a.Body, "access_token")
}

// signIn gets an ID token by the code flow, in a browser.
func (h *house) signIn(client *issuer.Client) string {
	h.t.Helper()
	ask := url.Values{"response_type": {"code"}, "client_id": {h.audience}, "redirect_uri": {callback}, "scope": {"openid"}, "state": {"s"}}
	arrival := issuer.NewBrowser(h.url).Walk(h.t.Context(), "/oauth2/authorize?"+ask.Encode(), func(_ string, forms []issuer.Form) *issuer.Form {
		f := forms[len(forms)-1]
		f.Values.Set("email", "alice@example.com")
		f.Values.Set("password", password)
		f.Values.Set("action", "go")
		return &f
	})
	if arrival.To == nil {
		h.t.Fatalf("the browser came to %+v", arrival)
	}
	a := h.done(client.PostForm(h.t.Context(), "/oauth2/token", h.audience, secret, url.Values{
		"grant_type": {"authorization_code"}, "code": {arrival.To.Query().Get("code")}, "redirect_uri": {callback}}))
	return member(h.t, a.Body, "id_token")
}

// bind gets an access token that is bound to a key.
func (h *house) bind() string {
	h.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "audience": {h.audience}}
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("DPoP", h.key.Proof("POST", h.url+"/oauth2/token", time.Now()))
	request.SetBasicAuth("service", url.QueryEscape(secret))
	_, body := send(h.t, request)
	return member(h.t, []byte(body), "access_token")
}

// revokeKey revokes the key that the issuer signs with.
func (h *house) revokeKey() {
	h.t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(h.good, ".")[0])
	if err != nil {
		h.t.Fatal(err)
	}
	h.command("keys", "revoke", "--reason", "a test", "--", member(h.t, raw, "kid"))
}

// member is a text of a JSON object.
func member(t *testing.T, raw []byte, name string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	text, _ := object[name].(string)
	if text == "" {
		t.Fatalf("no %s in %v", name, object)
	}
	return text
}

// claims are what a token says, unverified.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}
