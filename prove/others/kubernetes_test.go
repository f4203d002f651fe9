//go:build others

package others

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"signet/prove/child"
)

func TestThePageAboutKubernetesIsTrue(t *testing.T) {
	server := filepath.Join(bin, "kubernetes")
	if out, err := exec.Command("go", "build", "-C", filepath.Join(root, "prove", "others", "kubernetes"), "-o", server, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h := newHouse(t, "kubernetes")
	port := child.FreePorts(t, 1)[0]
	config := h.write("authentication.yaml", read(t, "kubernetes.md").block("yaml", "https://id.example.com", h.url))
	child.Start(t, server, []string{"--config", config, "--listen", "localhost:" + port}, nil, "listens on")
	at := "http://localhost:" + port

	h.judged(at+"/", 401)
	_, body := get(t, at+"/", h.good)
	if !strings.Contains(body, `"groups":["signet:author","signet:admin"]`) &&
		!strings.Contains(body, `"groups":["signet:admin","signet:author"]`) || !strings.Contains(body, `"user":"signet:`+h.sub+`"`) {
		t.Errorf("the API server sees %s", body)
	}
	if status, body := get(t, at+"/", h.plain); status != 200 || strings.Contains(body, "author") {
		t.Errorf("who has no role is %d %s", status, body)
	}
	h.seesNone(t, at+"/")
	h.revokeKey()
	if status, _ := get(t, at+"/", h.good); status != 200 {
		t.Errorf("the page says that a revoked key is used for a while; it got %d", status)
	}
	if status, _ := get(t, at+"/", h.login(h.url, "alice", "kubernetes")); status != 200 {
		t.Errorf("a token of the next key got %d", status)
	}
}
