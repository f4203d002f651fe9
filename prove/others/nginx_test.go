//go:build others

package others

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signet/prove/child"
	"signet/resource/dpop/dpoptest"
)

// proxied is nginx in front of a program, as its page says, with the gateway.
type proxied struct {
	*house
	at, gateway string
	asked       *child.Process // the gateway
}

func newProxied(t *testing.T) *proxied {
	t.Helper()
	h := newHouse(t, "api")
	ports := child.FreePorts(t, 2)
	p := &proxied{house: h, at: "http://127.0.0.1:" + ports[0], gateway: "localhost:" + ports[1]}
	doc := read(t, "nginx.md")

	p.asked = child.Shell(t, root, doc.block("sh", "go run ./resource/gateway", gateway(p.gateway),
		"https://id.example.com", h.url, "--resource", "--resource"), "listens on")

	h.write("signet-identity.conf", doc.block("nginx", "$upstream_http_x_auth_subject", "$upstream_http_x_auth_subject"))
	server := doc.block("nginx", "listen 443 ssl;", "listen "+strings.TrimPrefix(p.at, "http://")+";",
		"ssl_certificate /etc/ssl/api.example.com.pem;", "", "ssl_certificate_key /etc/ssl/api.example.com.key;", "",
		"http://localhost:4180", "http://"+p.gateway, "http://localhost:8080", "http://"+app(t))
	config := h.write("nginx.conf", `
daemon off; master_process off; pid `+h.dir+`/nginx.pid; error_log stderr notice;
events {}
http {
	access_log off;
	client_body_temp_path `+h.dir+`/body; proxy_temp_path `+h.dir+`/proxy; fastcgi_temp_path `+h.dir+`/fastcgi;
	uwsgi_temp_path `+h.dir+`/uwsgi; scgi_temp_path `+h.dir+`/scgi;
`+server+`}`)
	child.Start(t, installed(t, "nginx"), []string{"-p", h.dir, "-c", config}, nil, "getrlimit") // its sockets are open then
	return p
}

// gateway is the command, built, with its address.
func gateway(listen string) string {
	return "exec " + filepath.Join(bin, "gateway") + " --listen " + listen
}

// The last two take away what the others need.
func TestThePageAboutNginxIsTrue(t *testing.T) {
	p := newProxied(t)
	t.Run("who may pass, and what is told of them", p.passes)
	t.Run("what is missing is said", p.tells)
	t.Run("a proof is for one request", p.holdsProofs)
	t.Run("a body passes, with its method", p.passesBodies)
	t.Run("a revoked token is refused at once", func(t *testing.T) { p.seesRevocations(t, p.at+"/") })
	t.Run("a revoked key is refused at once", p.seesRevokedKeys)
	t.Run("without the gateway nobody passes", p.failsClosed)
}

func (p *proxied) passes(t *testing.T) {
	p.judged(p.at+"/", 401)
	p.unfooled(p.at+"/", "X-Auth-Subject", "X-Auth-Client", "X-Auth-Scope", "X-Auth-Roles", "X-Auth-Token-Id", "X-Auth-Actor")
	for token, status := range map[string]int{p.good: 200, p.plain: 403, p.author: 403, p.other: 401, "": 401} {
		if got, _ := get(t, p.at+"/admin/", token); got != status {
			t.Errorf("/admin/ answers %d, want %d", got, status)
		}
	}
	_, body := get(t, p.at+"/", p.good, "Dpop", "x", "Cookie", "a=b")
	if !strings.Contains(body, `"X-Auth-Roles":["admin author"]`) && !strings.Contains(body, `"X-Auth-Roles":["author admin"]`) ||
		strings.Contains(body, "Authorization") || strings.Contains(body, "Dpop") || strings.Contains(body, "X-Original") {
		t.Errorf("the program behind was told %s", body)
	}
	for _, inner := range []string{"/signet/member", "/signet/admin", "/signet/member?role=author"} {
		if status, _ := get(t, p.at+inner, p.good); status != 404 {
			t.Errorf("%s is open to everybody: %d", inner, status)
		}
	}
}

func (p *proxied) tells(t *testing.T) {
	for path, want := range map[string]string{"/": "resource_metadata=", "/admin/": `error="insufficient_scope"`} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if path == "/admin/" {
			request.Header.Set("Authorization", "Bearer "+p.plain)
		}
		answer, _ := send(t, request)
		if got := answer.Header.Values("WWW-Authenticate"); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: %d %q", path, answer.StatusCode, got)
		}
	}
	status, body := get(t, p.at+"/.well-known/oauth-protected-resource", "")
	if status != 200 || !strings.Contains(body, `"resource":"https://api.example.com"`) || !strings.Contains(body, p.url) {
		t.Errorf("the metadata is %d %s", status, body)
	}
}

func (p *proxied) holdsProofs(t *testing.T) {
	for _, c := range []struct {
		name, url string
		headers   []string
		status    int
	}{
		{"the request that was made", "https://api.example.com/posts", nil, 200},
		{"another one", "https://api.example.com/other", nil, 401},
		{"another one, which the client says it was", "https://api.example.com/other", []string{"X-Original-Uri", "/other", "X-Original-Method", "GET"}, 401},
		{"another one, in underscores", "https://api.example.com/other", []string{"X_Original_URI", "/other", "X_Original_Method", "GET"}, 401},
		{"another server's", "https://evil.example/posts", []string{"X-Forwarded-Host", "evil.example"}, 401},
	} {
		proof := p.key.Proof("GET", c.url, time.Now(), dpoptest.ForToken(p.bound))
		headers := append([]string{"Authorization", "DPoP " + p.bound, "Dpop", proof}, c.headers...)
		status, body := get(t, p.at+"/posts?page=2", "", headers...)
		if status != c.status {
			t.Errorf("%s got %d, want %d: %s", c.name, status, c.status, body)
		}
		if again, _ := get(t, p.at+"/posts?page=2", "", headers...); again != 401 {
			t.Errorf("%s: the same proof again got %d", c.name, again)
		}
	}
}

// A subrequest is a GET without a body, whatever it is about.
func (p *proxied) passesBodies(t *testing.T) {
	proof := p.key.Proof("POST", "https://api.example.com/posts", time.Now(), dpoptest.ForToken(p.bound))
	for authorization, headers := range map[string]http.Header{
		"Bearer " + p.good: {}, "DPoP " + p.bound: {"Dpop": {proof}},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.at+"/posts", strings.NewReader("a body"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = headers
		request.Header.Set("Authorization", authorization)
		if answer, body := send(t, request); answer.StatusCode != 200 || !strings.Contains(body, `"Content-Length":["6"]`) {
			t.Errorf("%s: %d %s", authorization[:6], answer.StatusCode, body)
		}
	}
}

func (p *proxied) seesRevokedKeys(t *testing.T) {
	if status, _ := get(t, p.at+"/", p.good); status != 200 {
		t.Fatalf("got %d", status)
	}
	p.revokeKey()
	t.Logf("refused after %s", eventually(t, p.at+"/", p.good, 401))
	if status, _ := get(t, p.at+"/", p.login(p.url, "alice", "api")); status != 200 {
		t.Errorf("a token of the next key got %d", status)
	}
}

func (p *proxied) failsClosed(t *testing.T) {
	if status, body := get(t, "http://"+p.gateway+"/healthz", ""); status != 200 || !strings.Contains(body, `"state":"following"`) {
		t.Errorf("/healthz is %d %s", status, body)
	}
	p.asked.Stop()
	fresh := p.login(p.url, "alice", "api")
	for _, path := range []string{"/", "/admin/"} {
		if status, body := get(t, p.at+path, fresh); status != 503 {
			t.Errorf("%s got %d %s", path, status, body)
		}
	}
}

func TestTheGatewayAloneIsAsItsPageSays(t *testing.T) {
	h := newHouse(t, "api")
	ports := child.FreePorts(t, 2)
	child.Shell(t, root, read(t, "nginx.md").block("sh", "go run ./resource/gateway", gateway("localhost:"+ports[0]),
		"https://id.example.com", h.url, "http://localhost:8080", "http://"+app(t), "localhost:4181", "localhost:"+ports[1]), "listens on")
	at := "http://localhost:" + ports[0]
	h.judged(at+"/", 401)
	h.unfooled(at+"/", "X-Auth-Subject", "X-Auth-Client", "X-Auth-Scope", "X-Auth-Roles", "X-Auth-Token-Id", "X-Auth-Actor", "X-Auth")
	if _, body := get(t, at+"/", h.good); strings.Contains(body, "Authorization") {
		t.Errorf("the program behind was told %s", body)
	}
	if status, body := get(t, "http://localhost:"+ports[1]+"/healthz", ""); status != 200 || !strings.Contains(body, `"state":"following"`) {
		t.Errorf("/healthz is %d %s", status, body)
	}
	if status, _ := get(t, at+"/healthz", ""); status != 401 {
		t.Errorf("the program's own /healthz is open: %d", status)
	}
	h.seesRevocations(t, at+"/")
	h.revokeKey()
	t.Logf("refused after %s", eventually(t, at+"/", h.good, 401))
}
