//go:build engines && unix

package cluster

import (
	"context"
	"errors"
	"flag"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"signet/prove/issuer"
	"signet/resource"
)

var older = flag.String("older", "", "the commit that is the older of two versions; that of testdata/older unless set")

// versions builds the older of two versions, and that of today. Where the history
// is missing, which is said, both are that of today.
func versions(t *testing.T) (before, now string) {
	t.Helper()
	now, err := buildIssuer()
	if err != nil {
		t.Fatal(err)
	}
	before, err = olderIssuer()
	if errors.Is(err, issuer.ErrNoHistory) {
		t.Run("with an older version", func(t *testing.T) { t.Skip("SKIPPED, there is only one version: ", err) })
		return now, now
	}
	if err != nil {
		t.Fatal("the older version, which testdata/older names: ", err)
	}
	return before, now
}

var olderIssuer = sync.OnceValues(func() (string, error) {
	commit := *older
	if commit == "" {
		text, err := os.ReadFile("testdata/older")
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				commit = strings.TrimSpace(line)
			}
		}
	}
	return issuer.BuildAt(built, commit, "idp")
})

// agree lets each issuer give out tokens, the next one refresh them, and asks
// every issuer about all of them. Who verifies knows the keys of one issuer only.
func (c *cluster) agree(t *testing.T) {
	t.Helper()
	var clients [size]*issuer.Client
	var verifiers [size]*resource.Verifier
	for i, h := range c.homes {
		clients[i], verifiers[i] = issuer.NewClient(h.URL), c.verifier(t, h.URL)
		defer clients[i].Close()
		defer verifiers[i].Close()
	}
	done := func(what string, a issuer.Answer) {
		t.Helper()
		if a.Result != issuer.Done {
			t.Fatalf("%s: %s", what, a)
		}
	}
	const email = "agree@example.com"
	_ = clients[0].Register(t.Context(), email, password) // who may be there
	for i, client := range clients {
		first, a := client.Login(t.Context(), email, password)
		done("a login", a)
		second, a := clients[(i+1)%size].Refresh(t.Context(), first.Refresh)
		done("a turn at the next issuer", a)
		own, a := c.machineToken(t.Context(), client)
		done("a token of the client's own", a)
		for j, other := range clients {
			for _, person := range []string{first.Access, second.Access} {
				done("who the token speaks of", userinfo(t.Context(), other, person))
			}
			for _, access := range []string{first.Access, second.Access, own} {
				done("whether a token is active", c.introspect(t.Context(), other, access))
				if _, err := verifiers[j].Verify(t.Context(), access); err != nil {
					t.Fatalf("by the keys of issuer %d, a token of issuer %d or the next: %v", j, i, err)
				}
			}
		}
		done("the end of a grant", clients[(i+2)%size].Logout(t.Context(), second.Refresh))
	}
}

// verifier is a resource server that gets everything from one of the issuers.
func (c *cluster) verifier(t *testing.T, node string) *resource.Verifier {
	t.Helper()
	at := strings.TrimPrefix(node, "http://")
	way := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, at)
	}}
	v, err := resource.New(c.URL, "api", resource.WithLogger(quiet), resource.WithHTTPClient(&http.Client{Transport: way}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.CloseIdleConnections)
	return v
}
