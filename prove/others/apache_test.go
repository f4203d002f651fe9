//go:build others

package others

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"signet/prove/child"
)

func TestThePageAboutApacheIsTrue(t *testing.T) {
	h := newHouse(t, "api")
	port := child.FreePorts(t, 1)[0]
	block := read(t, "apache.md").block("apache", "https://id.example.com", h.url, "http://localhost:8080", "http://"+app(t))
	var modules strings.Builder
	for _, name := range []string{"mpm_event", "authn_core", "authz_core", "auth_openidc", "headers", "proxy", "proxy_http"} {
		modules.WriteString("LoadModule " + name + "_module /usr/lib/apache2/modules/mod_" + name + ".so\n")
	}
	user := "" // as we are, unless we are root, whom Apache does not let serve
	if os.Getuid() == 0 {
		user = "User nobody\nGroup nogroup"
	}
	config := h.write("apache.conf", modules.String()+user+`
ServerName api.example.com
ServerRoot `+h.dir+`
DefaultRuntimeDir `+h.dir+`
PidFile `+h.dir+`/apache.pid
ErrorLog /dev/stderr
Listen 127.0.0.1:`+port+`
OIDCCABundlePath `+filepath.Join(bin, "ca.pem")+`
`+block)
	child.Start(t, installed(t, "apache2"), []string{"-DFOREGROUND", "-f", config}, nil, "resuming normal operations")
	at := "http://127.0.0.1:" + port

	h.judged(at+"/", 401)
	h.unfooled(at+"/", "X-Auth-sub", "X-Auth-client_id", "X-Auth-roles", "X-Auth-Subject")
	for token, status := range map[string]int{h.good: 200, h.plain: 401, h.author: 401, h.other: 401} {
		if got, _ := get(t, at+"/admin/", token); got != status {
			t.Errorf("/admin/ answers %d, want %d", got, status)
		}
	}
	if _, body := get(t, at+"/", h.good); strings.Contains(body, strings.Split(h.good, ".")[2]) {
		t.Errorf("the token was sent on: %s", body)
	}
	h.seesNone(t, at+"/")
	h.revokeKey()
	if status, _ := get(t, at+"/", h.good); status != 200 {
		t.Errorf("the page says that a revoked key is used for a while; it got %d", status)
	}
	if status, _ := get(t, at+"/", h.login(h.url, "alice", "api")); status != 200 {
		t.Errorf("a token of the next key got %d", status)
	}
}
