package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/resource/dpop/dpoptest"
)

// TestTheConformanceSuiteRunsWithTheFilesInTestdata follows docs/conformance.md:
// the issuer is a process with that config.yaml, the person is made by the
// page's commands, and the browser does what suite.json tells that of the suite.
func TestTheConformanceSuiteRunsWithTheFilesInTestdata(t *testing.T) {
	t.Parallel()
	p, suite := startForTheSuite(t)
	key := dpoptest.NewKey(t, "RS256")
	base := suite.URL + "/test/a/signet"
	// Its usual client: keys also where it has a secret, and no scope.
	s := said{"client_name": "first 1x2y", "grant_types": []string{"authorization_code"}, "jwks": publicSet(key), "token_endpoint_auth_method": authBasic,
		"response_types": []string{"code"}, "redirect_uris": []string{base + "/callback"}, "contacts": []string{"certification@oidf.org"}}
	c, _ := p.register(t, key, s.with(said{"post_logout_redirect_uris": []string{base + "/post_logout_redirect"}}))
	authorize := func(a *automation, changes ...string) view {
		return a.goTo(p.at("authorization_endpoint") + "?" + c.asks(changes...).Encode())
	}

	t.Run("every endpoint is https (CheckDiscEndpointAllEndpointsAreHttps)", func(t *testing.T) {
		for name, v := range p.document {
			if text, isText := v.(string); isText && !strings.HasPrefix(text, "https://") {
				t.Errorf("%s is %s", name, text)
			}
		}
		p.at("check_session_iframe")
		p.at("registration_endpoint")
	})
	t.Run("the person has all claims (VerifyScopesReturnedInUserInfoClaims)", func(t *testing.T) {
		a := p.automated(t, "oidcc-scope-all")
		arrived := authorize(a, "scope", "openid profile email address phone")
		info := c.userinfo(c.redeem(arrived.url.Query().Get("code")).ok().text("access_token")).ok()
		for _, name := range p.lists("claims_supported") {
			if info.values[name] == nil && !slices.Contains([]string{"iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid"}, name) {
				t.Errorf("there is no %s", name)
			}
		}
	})
	t.Run("a second sign-in is filled in like the first (oidcc-prompt-login)", func(t *testing.T) {
		a := p.automated(t, "oidcc-prompt-login")
		authorize(a).arrived(t, base+"/callback")
		a.pictures = nil
		authorize(a, "prompt", "login").arrived(t, base+"/callback")
		if !slices.Contains(a.pictures, "Confirm it’s you") {
			t.Errorf("pictures: %q", a.pictures)
		}
	})
	t.Run("what a person allowed holds for the silent request after it (oidcc-claims-essential, oidcc-id-token-hint)", func(t *testing.T) {
		a := p.automated(t, "oidcc-claims-essential")
		claims := []string{"claims", `{"userinfo":{"name":{"essential":true}}}`}
		got := c.redeem(authorize(a, claims...).url.Query().Get("code")).ok()
		id := c.verified(got.text("id_token"))
		if info := c.userinfo(got.text("access_token")).ok(); info.text("name") == "" || id["name"] != nil {
			t.Errorf("userinfo is %s, the ID token %v", info.body, id)
		}
		a.pictures = nil
		again := authorize(a, append(claims, "prompt", "none", "id_token_hint", got.text("id_token"))...)
		again.arrived(t, base+"/callback")
		if next := c.verified(c.redeem(again.url.Query().Get("code")).ok().text("id_token")); next["auth_time"] != id["auth_time"] || next["sub"] != id["sub"] || len(a.pictures) > 0 {
			t.Errorf("%v after %v, with %q", next, id, a.pictures)
		}
	})
	t.Run("an error is looked at where it is shown (oidcc-ensure-registered-redirect-uri)", func(t *testing.T) {
		a := p.automated(t, "oidcc-ensure-registered-redirect-uri")
		if v := authorize(a, "redirect_uri", base+"/other"); !strings.Contains(v.body, "redirect_uri") || len(a.pictures) != 1 {
			t.Errorf("at %v with %q: %s", v.url, a.pictures, v.body)
		}
	})
	for module, link := range map[string]string{"policy": "https://openid.net/privacy", "tos": "https://openid.net/terms"} {
		t.Run("the consent page shows the link (oidcc-registration-"+module+"-uri)", func(t *testing.T) {
			c, _ := p.register(t, key, s.with(said{module + "_uri": link}))
			a := p.automated(t, "oidcc-registration-"+module+"-uri")
			if v := a.goTo(p.at("authorization_endpoint") + "?" + c.asks().Encode()); !strings.Contains(v.body, link) || len(a.pictures) != 1 {
				t.Errorf("at %v with %q", v.url, a.pictures)
			}
		})
	}
	t.Run("a request at the suite is fetched (oidcc-request-uri-signed-rs256)", func(t *testing.T) {
		c, _ := p.register(t, key, s.with(said{"request_uris": []string{base + "/requesturi/1"}, "request_object_signing_alg": "RS256"}))
		object := map[string]any{"iss": c.id, "aud": p.url}
		for name, values := range c.asks() {
			object[name] = values[0]
		}
		suite.put("/test/a/signet/requesturi/1", signJWT(key, "JWT", object))
		v := change(c.asks("state", "", "nonce", ""), "request_uri", base+"/requesturi/1")
		p.automated(t, "oidcc-request-uri-signed-rs256").goTo(p.at("authorization_endpoint")+"?"+v.Encode()).arrived(t, base+"/callback")
	})
	t.Run("the pages of the logout are gone through (oidcc-rp-initiated-logout)", func(t *testing.T) {
		for _, tt := range []struct{ module, ends, picture string }{
			{"oidcc-rp-initiated-logout", base + "/post_logout_redirect", ""},
			{"oidcc-rp-initiated-logout-no-params", p.url + "/signed-out", "You’re signed out"},
			{"oidcc-rp-initiated-logout-bad-id-token-hint", p.url + "/oauth2/logout", "This link does not work"},
		} {
			a := p.automated(t, tt.module)
			id := c.redeem(authorize(a).url.Query().Get("code")).ok().text("id_token")
			q := url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {base + "/post_logout_redirect"}, "state": {state}}
			switch {
			case strings.HasSuffix(tt.module, "no-params"):
				q = nil
			case strings.HasSuffix(tt.module, "hint"):
				q.Set("id_token_hint", "bogus")
			}
			a.pictures = nil
			a.goTo(p.at("end_session_endpoint")+"?"+q.Encode()).arrived(t, tt.ends)
			if got := strings.Join(a.pictures, ", "); got != tt.picture {
				t.Errorf("%s: pictures of %q", tt.module, got)
			}
		}
	})
	t.Run("the clients of the page are known (static_client)", func(t *testing.T) {
		for id, auth := range map[string]string{"first": authBasic, "second": authBasic, "third": authPost} {
			c := &relying{t: t, p: p, id: id, secret: "one-secret-is-enough-for-all-of-the-suite", auth: auth, redirect: suiteURL + "/test/a/signet/callback", scope: "openid"}
			at := p.automated(t, "oidcc-server").goTo(p.at("authorization_endpoint") + "?" + c.asks().Encode())
			at.arrived(t, c.redirect)
			c.redeem(at.url.Query().Get("code")).ok()
			c.authorize(p.browser(t), "response_type", "code id_token", "prompt", "none").told("login_required")
		}
	})
	t.Run("the clients of all plans can register at once", func(t *testing.T) {
		for range 60 {
			p.registers(t, s).ok()
		}
	})
}

// suiteURL is where the suite is, on the machine that runs it.
const suiteURL = "https://localhost.emobix.co.uk:8443"

// startForTheSuite starts the issuer as the page says, and what stands for the
// suite: its callback, and its files.
func startForTheSuite(t *testing.T) (*provider, *hosted) {
	dir := t.TempDir()
	file, err := os.ReadFile("testdata/conformance/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	certificate, pool := selfSigned(t, dir)
	clients := strings.Join(blocksOf(t, "../docs/conformance.md", "yaml"), "\n")
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(string(file)+clients), 0o600); err != nil {
		t.Fatal(err)
	}
	suite := &hosted{files: map[string]string{}}
	suite.Server = httptest.NewUnstartedServer(suite)
	suite.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	suite.StartTLS()
	t.Cleanup(suite.Close)
	for _, place := range []string{"callback", "post_logout_redirect"} {
		suite.put("/test/a/signet/"+place, `<p id="submission_complete">`)
	}
	process := startProcessIn(t, dir, "SIGNET_LISTEN=127.0.0.1:0", "SIGNET_KEYS_ALGS=ES256,RS256", "SSL_CERT_FILE="+filepath.Join(dir, "tls.crt"))
	for _, command := range commandsOf(t, "../docs/conformance.md", "idp users") {
		run := exec.CommandContext(t.Context(), "sh", "-c", command)
		run.Dir = dir
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", command, err, out)
		}
	}
	// Everybody but the issuer looks its name up here.
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		switch addr {
		case "localhost:4443":
			addr = process.addr
		case strings.TrimPrefix(suiteURL, "https://"):
			addr = suite.Listener.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	p := &provider{issuer: process.issuer, dialer: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: pool}}}
	p.url, p.origin, p.clock = "https://localhost:4443", "https://localhost:4443", new(wallClock)
	p.document = p.request(t, http.MethodGet, p.url+"/.well-known/openid-configuration", "", "").ok().values
	return p, suite
}

// commandsOf are the commands of a page that have a word in them. A line that
// ends in a backslash goes on.
func commandsOf(t *testing.T, page, word string) (commands []string) {
	t.Helper()
	for _, block := range blocksOf(t, page, "sh") {
		for line := range strings.SplitSeq(strings.ReplaceAll(block, "\\\n", ""), "\n") {
			if strings.Contains(line, word) {
				commands = append(commands, line)
			}
		}
	}
	if len(commands) == 0 {
		t.Fatalf("%s has no %s", page, word)
	}
	return commands
}

// blocksOf are what a page has to be copied, of one language.
func blocksOf(t *testing.T, page, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)\n```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, block[1])
	}
	return blocks
}

// selfSigned writes a certificate that nobody else signed, and its key.
func selfSigned(t *testing.T, dir string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost", "localhost.emobix.co.uk"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		text := pem.EncodeToMemory(block)
		pool.AppendCertsFromPEM(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// arrived fails unless the browser is there.
func (v view) arrived(t *testing.T, at string) {
	t.Helper()
	if got := fmt.Sprintf("%s://%s%s", v.url.Scheme, v.url.Host, v.url.Path); got != at || v.url.Query().Has("error") {
		t.Fatalf("it ended at %v, not at %s: %s", v.url, at, v.body)
	}
}
