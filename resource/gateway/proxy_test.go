package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/dpop/dpoptest"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// seen is a request as the upstream got it.
type seen struct {
	*http.Request
	body string
}

// newPassage runs a gateway in front of an upstream. The upstream puts what it
// sees into the channel.
func newPassage(t *testing.T, flags ...string) (at string, i *issuertest.Issuer, upstream <-chan seen) {
	t.Helper()
	requests := make(chan seen, 1)
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- seen{r, string(body)}
		fmt.Fprint(w, "from the upstream")
	}))
	t.Cleanup(behind.Close)
	h, i := newGateway(t, append([]string{"--upstream", behind.URL}, flags...)...)
	front := httptest.NewUnstartedServer(nil)
	front.Config = server("", h)
	front.Start()
	t.Cleanup(front.Close)
	return strings.TrimPrefix(front.URL, "http://"), i, requests
}

// send writes a request as it stands, with no client that would mend it.
func send(t *testing.T, at, raw string) (status int, body string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", at, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, strings.ReplaceAll(raw, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// isAlice says whether it is what the upstream is told of alice, and nothing else.
func isAlice(r seen, id string) bool {
	return maps.Equal(told(r.Header), map[string]string{"X-Auth-Subject": "alice", "X-Auth-Client": "signet",
		"X-Auth-Scope": "posts openid", "X-Auth-Roles": "author", "X-Auth-Token-Id": id})
}

func TestNobodyTellsTheUpstreamButTheGateway(t *testing.T) {
	at, i, upstream := newPassage(t)
	raw := i.Token(func(c *token.Claims) { c.ID = "t1" })
	for name, headers := range map[string]string{
		"nothing":                     "",
		"the same names":              "X-Auth-Subject: root\nX-Auth-Roles: admin\nX-Auth-Actor: root\n",
		"in other letters":            "x-auth-subject: root\nX-AUTH-ROLES: admin\nx-AuTh-AcToR: root\n",
		"with underscores":            "X_Auth_Subject: root\nX_AUTH_ROLES: admin\nX-Auth_Actor: root\nx_auth-subject: root\n",
		"with other characters":       "X.Auth.Subject: root\nX~Auth~Roles: admin\nX!Auth|Actor: root\nX'Auth`Subject: root\n",
		"names that nobody sets":      "X-Auth: root\nX-Auth-Email: root@example.com\nX-Authenticated-User: root\nX-Auth-Request-User: root\n",
		"named as hop by hop":         "Connection: X-Auth-Subject, X-Auth-Roles, X-Auth-Client\nX-Auth-Subject: root\n",
		"and the connection closes":   "Connection: close, x-auth-subject\nConnection: X-Auth-Scope\n",
		"the token named hop by hop":  "Connection: Authorization\n",
		"a line that goes on":         "X-Other: a\n X-Auth-Subject: root\n",
		"a value that looks like one": "X-Other: a, X-Auth-Subject: root\n",
		"forwarded headers":           "Forwarded: for=10.0.0.1;host=evil\nX-Forwarded-For: 10.0.0.1\nX-Forwarded-Host: evil\n",
	} {
		status, body := send(t, at, "GET /posts?page=2 HTTP/1.1\nHost: api\nAuthorization: Bearer "+raw+"\n"+headers+"\n")
		if status != 200 || body != "from the upstream" {
			t.Errorf("%s: got %d %s", name, status, body)
			continue
		}
		r := <-upstream
		if !isAlice(r, "t1") || r.Header.Get("Authorization") != "" || r.RequestURI != "/posts?page=2" ||
			r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "127.0.0.1" || r.Header.Get("X-Forwarded-Host") != "api" {
			t.Errorf("%s: the upstream saw %s %v", name, r.RequestURI, r.Header)
		}
	}
}

func TestNoTrailerTellsTheUpstream(t *testing.T) {
	at, i, upstream := newPassage(t)
	raw := i.Token(func(c *token.Claims) { c.ID = "t1" })
	status, _ := send(t, at, "POST / HTTP/1.1\nHost: api\nAuthorization: Bearer "+raw+
		"\nTE: trailers\nTrailer: X-Auth-Subject, X-Other\nTransfer-Encoding: chunked\n\n2\nhi\n0\nX-Auth-Subject: root\nX-Other: a\n\n")
	if r := <-upstream; status != 200 || r.body != "hi" || !isAlice(r, "t1") || len(r.Trailer) > 0 {
		t.Errorf("got %d; the upstream saw %q, %v and then %v", status, r.body, r.Header, r.Trailer)
	}
}

func TestNothingReachesTheUpstreamWithoutAToken(t *testing.T) {
	at, i, upstream := newPassage(t, "--role", "author")
	good := i.Token()
	with := "Authorization: Bearer " + good + "\n"
	nobody := "Authorization: Bearer " + i.Token(func(c *token.Claims) { c.Roles = nil }) + "\n"
	for _, c := range []struct {
		name, line, headers string
		status              int
	}{
		{"no token", "GET /", "", 401},
		{"a preflight", "OPTIONS /", "Origin: https://app.example\nAccess-Control-Request-Method: GET\n", 401},
		{"the health of the upstream", "GET /healthz", "", 401},
		{"two Authorization headers", "GET /", with + with, 400},
		{"a good one after a bad one", "GET /", "Authorization: Basic YTpi\n" + with, 400},
		{"no role", "GET /", nobody, 403},
		{"a token in the URL", "GET /?access_token=" + good, "", 401},
		{"a token in the URL too", "GET /?a=b&access_token=" + good, with, 400},
		{"a name in escapes", "GET /?%61ccess_token=" + good, with, 200},
		{"a tunnel", "CONNECT db.example:5432", with, 501},
		{"an echo", "TRACE /", with, 501},
		{"a header of 100 KiB", "GET /", with + "X-Big: " + strings.Repeat("a", 100<<10) + "\n", 431},
		{"a header with a space in its name", "GET /", with + "X-Auth-Subject : root\n", 400},
		{"two lengths", "POST /", with + "Content-Length: 2\nContent-Length: 3\n", 400},
		{"an unknown coding", "POST /", with + "Transfer-Encoding: xchunked\n", 501},
	} {
		status, _ := send(t, at, c.line+" HTTP/1.1\nHost: api\n"+c.headers+"\n")
		if status != c.status {
			t.Errorf("%s: got %d, want %d", c.name, status, c.status)
		}
		select {
		case r := <-upstream:
			if c.status != 200 {
				t.Errorf("%s: the upstream got %s %s", c.name, r.Method, r.RequestURI)
			}
		default:
		}
	}
}

func TestTheUpstreamIsAlwaysTheUpstream(t *testing.T) {
	at, i, upstream := newPassage(t)
	with := " HTTP/1.1\nHost: evil.example\nAuthorization: Bearer " + i.Token() + "\n\n"
	for line, want := range map[string]string{
		"GET http://evil.example/posts":    "/posts",
		"GET http://evil.example":          "/",
		"GET //evil.example/posts":         "//evil.example/posts",
		"GET /a/../b":                      "/a/../b",
		"GET /a%2fb%00?x=%zz&y=1":          "/a%2fb%00?y=1", // what cannot be read is not handed on
		"GET /@evil.example/":              "/@evil.example/",
		"GET /?q=http://evil.example/#top": "/?q=http://evil.example/#top",
	} {
		status, _ := send(t, at, line+with)
		if status != 200 {
			t.Errorf("%s got %d", line, status)
			continue
		}
		if r := <-upstream; r.RequestURI != want || strings.Contains(r.Host, "evil") {
			t.Errorf("%s became %s of %s", line, r.RequestURI, r.Host)
		}
	}
}

func TestTheTokenIsKeptWhereItIsAskedFor(t *testing.T) {
	at, i, upstream := newPassage(t, "--keep-authorization")
	raw := i.Token()
	if status, _ := send(t, at, "GET / HTTP/1.1\nHost: api\nAuthorization: Bearer "+raw+"\n\n"); status != 200 {
		t.Fatalf("got %d", status)
	}
	if r := <-upstream; r.Header.Get("Authorization") != "Bearer "+raw {
		t.Errorf("the upstream saw %v", r.Header)
	}
}

func TestAProofIsForTheRequestThatCame(t *testing.T) {
	at, i, upstream := newPassage(t, "--resource", api)
	key := dpoptest.NewKey(t, "ES256")
	bound := i.Token(func(c *token.Claims) { c.Confirmation.JKT = key.JKT() })
	for path, status := range map[string]int{"/posts": 200, "/admin": 401} {
		proof := key.Proof("GET", api+"/posts", time.Now(), dpoptest.ForToken(bound))
		got, _ := send(t, at, "GET "+path+" HTTP/1.1\nHost: evil\nX-Original-Method: GET\nX-Original-URI: /posts\nAuthorization: DPoP "+bound+"\nDPoP: "+proof+"\n\n")
		if got != status {
			t.Errorf("%s got %d", path, got)
		}
	}
	if r := <-upstream; r.Header.Get("DPoP")+r.Header.Get("Authorization") != "" {
		t.Errorf("the upstream saw %v", r.Header)
	}
	if status, body := send(t, at, "GET "+resource.MetadataPath+" HTTP/1.1\nHost: api\n\n"); status != 200 || !strings.Contains(body, api) {
		t.Errorf("the metadata is %d %s", status, body)
	}
}

func TestAnUpstreamThatIsAwayIs502(t *testing.T) {
	h, i := newGateway(t, "--upstream", "http://127.0.0.1:1")
	if w := ask(h, "/", bearer(i.Token())...); w.Code != 502 || strings.Contains(w.Body.String(), "127.0.0.1") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := ask(h, "/"); w.Code != 401 {
		t.Errorf("without a token got %d", w.Code)
	}
}

func TestNoTunnelLeadsPastTheGateway(t *testing.T) {
	at, i, upstream := newPassage(t)
	for _, headers := range []string{
		"Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\n",
		"Connection: upgrade\nUpgrade: h2c, websocket\n",
		"Connection: upgrade\nUpgrade: h2c\nUpgrade: websocket\n",
		"Connection: upgrade\nUpgrade: TLS/1.0\n",
		"Upgrade: websocket\n",
	} {
		if status, _ := send(t, at, "GET / HTTP/1.1\nHost: api\nAuthorization: Bearer "+i.Token()+"\n"+headers+"\n"); status != 200 {
			t.Errorf("%q got %d", headers, status)
			continue
		}
		if r := <-upstream; r.Header.Get("Upgrade")+r.Header.Get("Connection")+r.Header.Get("Http2-Settings") != "" {
			t.Errorf("%q: the upstream saw %v", headers, r.Header)
		}
	}
}

func TestAnUpgradedConnectionEndsWithItsToken(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(told(r.Header)) == 0 {
			t.Error("the upstream is not told who it is")
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = buffered.Flush()
		_, _ = io.Copy(conn, buffered) // until the gateway hangs up
	}))
	defer upstream.Close()
	h, i := newGateway(t, "--upstream", upstream.URL)
	front := httptest.NewServer(h)
	defer front.Close()

	conn, err := net.Dial("tcp", strings.TrimPrefix(front.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	end := time.Now().Add(3 * time.Second).Truncate(time.Second)
	raw := i.Token(func(c *token.Claims) { c.Expiry = token.At(end) })
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: api\r\nConnection: Upgrade, X-Auth-Subject\r\nUpgrade: websocket\r\nAuthorization: Bearer %s\r\n\r\n", raw)
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", answer, err)
	}
	fmt.Fprintln(conn, "hello")
	if line, err := in.ReadString('\n'); line != "hello\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := in.ReadByte(); err != io.EOF || time.Now().Before(end) {
		t.Errorf("the connection ended with %v, %s from the token's end", err, time.Since(end))
	}
}
