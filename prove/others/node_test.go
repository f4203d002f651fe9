//go:build others

package others

import (
	"os"
	"path/filepath"
	"testing"

	"signet/prove/child"
)

func TestThePageAboutNodeIsTrue(t *testing.T) {
	packages := filepath.Join(root, "prove", "others", "node", "node_modules")
	if _, err := os.Stat(packages); err != nil {
		t.Fatal("jose is not there; run npm ci in prove/others/node")
	}
	h := newHouse(t, "api")
	ports := child.FreePorts(t, 2)
	if err := os.Symlink(packages, filepath.Join(h.dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	api := func(port string) (at string) {
		server := h.write("server"+port+".mjs", read(t, "node.md").block("js", "https://id.example.com", h.url, "8080", port))
		child.Start(t, "node", []string{server}, nil, "listens on")
		return "http://localhost:" + port
	}
	at := api(ports[0])

	h.judged(at+"/", 401)
	for token, status := range map[string]int{h.good: 200, h.plain: 403, h.author: 403, h.other: 401} {
		if got, _ := get(t, at+"/admin", token); got != status {
			t.Errorf("/admin answers %d, want %d", got, status)
		}
	}
	h.seesNone(t, at+"/")
	h.revokeKey()
	if status, _ := get(t, at+"/", h.good); status != 200 {
		t.Errorf("the page says that a revoked key is used for a while; it got %d", status)
	}
	fresh := h.login(h.url, "alice", "api")
	if status, _ := get(t, at+"/", fresh); status != 200 {
		t.Errorf("a token of the next key got %d", status)
	}

	h.running.Stop()
	if status, _ := get(t, at+"/", fresh); status != 200 {
		t.Errorf("while the issuer is away, who has its keys answers %d", status)
	}
	if status, _ := get(t, api(ports[1])+"/", fresh); status != 503 {
		t.Errorf("who has no keys answers %d", status)
	}
}
