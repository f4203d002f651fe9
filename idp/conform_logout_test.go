package main

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// logoutClients are of the logout profiles; BACK is where a back channel ends.
const logoutClients = `
fetch: {allow: ["127.0.0.0/8", "::1/128"]}
clients:
- id: web
  secret: a-secret-that-is-long-enough-for-all
  first_party: true
  redirect_uris: ["https://web.example.com/cb"]
  post_logout_redirect_uris: ["https://web.example.com/bye"]
- id: front
  secret: a-secret-that-is-long-enough-for-all
  first_party: true
  redirect_uris: ["https://front.example.com/cb"]
  post_logout_redirect_uris: ["https://front.example.com/bye"]
  frontchannel_logout_uri: https://front.example.com/frontchannel?foo=bar
  frontchannel_logout_session_required: true
- id: back
  secret: a-secret-that-is-long-enough-for-all
  first_party: true
  redirect_uris: ["https://back.example.com/cb"]
  post_logout_redirect_uris: ["https://back.example.com/bye"]
  backchannel_logout_uri: BACK
  backchannel_logout_session_required: true
`

// logout sends the browser to the end_session_endpoint.
func (c *relying) logout(b *userAgent, pairs ...string) arrival {
	c.t.Helper()
	target := c.p.at("end_session_endpoint")
	if q := change(url.Values{}, pairs...).Encode(); q != "" {
		target += "?" + q
	}
	return b.work(b.get(target))
}

// isIn tells whether somebody is signed in.
func (c *relying) isIn(b *userAgent) bool {
	c.t.Helper()
	a := c.authorize(b, "prompt", "none")
	if a.values.Get("code") == "" {
		a.told("login_required")
		return false
	}
	return true
}

// TestOpenIDLogoutProfiles are the certification profiles RP-Initiated,
// Front-Channel and Back-Channel OP.
func TestOpenIDLogoutProfiles(t *testing.T) {
	t.Parallel()
	rp := newReceiver(t)
	p := newProvider(t, strings.ReplaceAll(logoutClients, "BACK", rp.url+"/backchannel"))
	c := p.client(t, "web")
	const bye = "https://web.example.com/bye"

	for _, tt := range []struct {
		name     string
		pairs    func(id string) []string
		asked    bool   // the person is asked first
		to       string // where it ends; "" is a page of ours
		error    bool   // on a page with an error, and nobody is signed out
		signedIn bool
	}{
		{"RP-Initiated Logout 2: with all there is (oidcc-rp-initiated-logout)",
			func(id string) []string {
				return []string{"id_token_hint", id, "post_logout_redirect_uri", bye, "state", state}
			}, false, bye + "?" + url.Values{"state": {state}}.Encode(), false, false},
		{"RP-Initiated Logout 3: without a state none is given (oidcc-rp-initiated-logout-no-state)",
			func(id string) []string { return []string{"id_token_hint", id, "post_logout_redirect_uri", bye} }, false, bye, false, false},
		{"RP-Initiated Logout 2: with a hint and nowhere to go (oidcc-rp-initiated-logout-no-post-logout-redirect-uri)",
			func(id string) []string { return []string{"id_token_hint", id, "state", state} }, false, "", false, false},
		{"RP-Initiated Logout 2: without anything the person is asked (oidcc-rp-initiated-logout-no-params)",
			func(string) []string { return nil }, true, "", false, false},
		{"RP-Initiated Logout 2: with a state only (oidcc-rp-initiated-logout-only-state)",
			func(string) []string { return []string{"state", state} }, true, "", false, false},
		{"RP-Initiated Logout 3: without a hint nobody is sent anywhere (oidcc-rp-initiated-logout-no-id-token-hint)",
			func(string) []string { return []string{"post_logout_redirect_uri", bye, "state", state} }, true, "", false, false},
		{"RP-Initiated Logout 2: a client_id stands for the hint, and the person is asked",
			func(string) []string { return []string{"client_id", "web", "post_logout_redirect_uri", bye} }, true, bye, false, false},
		{"RP-Initiated Logout 3: a URI that is not registered (oidcc-rp-initiated-logout-bad-post-logout-redirect-uri)",
			func(id string) []string {
				return []string{"id_token_hint", id, "post_logout_redirect_uri", bye + "/other"}
			}, false, "", true, true},
		{"RP-Initiated Logout 3: a query too many (oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri)",
			func(id string) []string {
				return []string{"id_token_hint", id, "post_logout_redirect_uri", bye + "?foo=bar"}
			}, false, "", true, true},
		{"RP-Initiated Logout 4: a hint that was changed (oidcc-rp-initiated-logout-modified-id-token-hint)",
			func(id string) []string {
				return []string{"id_token_hint", id[:len(id)-10] + "AAAAAAAAAA", "post_logout_redirect_uri", bye}
			}, false, "", true, true},
		{"RP-Initiated Logout 4: a hint that is none (oidcc-rp-initiated-logout-bad-id-token-hint)",
			func(string) []string { return []string{"id_token_hint", "bogus", "post_logout_redirect_uri", bye} }, false, "", true, true},
		{"RP-Initiated Logout 2: a client_id that is not that of the hint",
			func(id string) []string { return []string{"id_token_hint", id, "client_id", "front"} }, false, "", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := *c
			c.t = t
			b := p.browser(t)
			id := c.tokens(b).text("id_token")
			a := c.logout(b, tt.pairs(id)...)
			if asked := a.saw("/oauth2/logout"); !tt.error && asked != tt.asked {
				t.Errorf("the person was asked: %t", asked)
			}
			switch {
			case tt.error:
				a.shown()
			case tt.to == "" && (a.client != nil || a.status != http.StatusOK || a.url.Path != "/signed-out"):
				t.Errorf("it ended at %v %v", a.client, a.url)
			case tt.to != "" && (a.client == nil || a.client.String() != tt.to):
				t.Errorf("it ended at %v", a.client)
			}
			if in := c.isIn(b); in != tt.signedIn {
				t.Errorf("the person is signed in: %t", in)
			}
		})
	}

	t.Run("RP-Initiated Logout 2: POST is the same", func(t *testing.T) {
		b := p.browser(t)
		id := c.tokens(b).text("id_token")
		first := b.postFrom("https://web.example.com", p.at("end_session_endpoint"), url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {bye}, "state": {"x"}})
		if a := b.work(first); first.status != http.StatusSeeOther || a.client == nil || a.client.String() != bye+"?state=x" || c.isIn(b) {
			t.Errorf("it ended at %v %v", a.client, a.url)
		}
	})
	t.Run("RP-Initiated Logout 2: a hint that has expired is good", func(t *testing.T) {
		b := p.browser(t)
		id := c.tokens(b).text("id_token")
		p.forward(time.Hour)
		if a := c.logout(b, "id_token_hint", id, "post_logout_redirect_uri", bye); a.client == nil || c.isIn(b) {
			t.Errorf("it ended at %v", a.url)
		}
	})
	t.Run("RP-Initiated Logout 2: who does not want to stays signed in", func(t *testing.T) {
		b := p.browser(t)
		c.tokens(b)
		b.deny = true
		if c.logout(b); !c.isIn(b) {
			t.Error("the person was signed out")
		}
	})
	t.Run("OpenID Core 11: a grant ends with its session, one of offline_access does not", func(t *testing.T) {
		b := p.browser(t)
		online, offline := c.tokens(b), c.tokens(b, "scope", "openid offline_access", "prompt", "consent")
		c.logout(b, "id_token_hint", online.text("id_token"))
		c.token("refresh_token", "refresh_token", online.text("refresh_token")).refused(http.StatusBadRequest, "invalid_grant")
		c.userinfo(online.text("access_token")).refused(http.StatusUnauthorized, "invalid_token")
		c.token("refresh_token", "refresh_token", offline.text("refresh_token")).ok()
	})
	t.Run("Front-Channel Logout 3: each client is framed, with iss and sid (oidcc-frontchannel-rp-initiated-logout)", func(t *testing.T) { checkFront(t, p) })
	t.Run("Back-Channel Logout 2.5: each client is posted a logout token (oidcc-backchannel-rp-initiated-logout)", func(t *testing.T) { checkBack(t, p, rp) })
}

var (
	frameTag    = regexp.MustCompile(`<iframe src="([^"]*)"`)
	continueTag = regexp.MustCompile(`id="continue" href="([^"]*)"`)
)

func checkFront(t *testing.T, p *provider) {
	c, b := p.client(t, "front"), p.browser(t)
	id := c.tokens(b).text("id_token")
	sid := c.verified(id)["sid"]
	a := c.logout(b, "id_token_hint", id, "post_logout_redirect_uri", "https://front.example.com/bye", "state", state)
	frames := frameTag.FindAllStringSubmatch(a.body, -1)
	if len(frames) != 1 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	frame, err := url.Parse(html.UnescapeString(frames[0][1]))
	if err != nil {
		t.Fatal(err)
	}
	if q := frame.Query(); frame.Host != "front.example.com" || q.Get("foo") != "bar" || q.Get("iss") != p.url || q.Get("sid") != sid || sid == nil {
		t.Errorf("the frame is %v, the sid %v", frame, sid)
	}
	if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-src https://front.example.com") {
		t.Errorf("the policy is %q", policy)
	}
	next := continueTag.FindStringSubmatch(a.body)
	if want := "https://front.example.com/bye?" + (url.Values{"state": {state}}).Encode(); next == nil || html.UnescapeString(next[1]) != want {
		t.Errorf("it goes on to %v, not %s", next, want)
	}
	if c.isIn(b) {
		t.Error("the person is signed in")
	}
}

// receiver is a relying party's back channel.
type receiver struct {
	url   string
	posts chan *http.Request // with the form read
}

func newReceiver(t testing.TB) *receiver {
	web := host(t)
	r := &receiver{web.URL, make(chan *http.Request, 10)}
	web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_ = req.ParseForm()
		r.posts <- req.Clone(context.Background())
	})
	return r
}

func checkBack(t *testing.T, p *provider, rp *receiver) {
	c, b := p.client(t, "back"), p.browser(t)
	id := c.tokens(b).text("id_token")
	said := c.verified(id)
	c.logout(b, "id_token_hint", id, "post_logout_redirect_uri", "https://back.example.com/bye")
	var post *http.Request
	select {
	case post = <-rp.posts:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was posted")
	}
	if post.Method != http.MethodPost || post.URL.Path != "/backchannel" || !strings.HasPrefix(post.Header.Get("Content-Type"), formType) {
		t.Errorf("got %s %v %v", post.Method, post.URL, post.Header)
	}
	token := post.PostForm.Get("logout_token")
	claims := c.verified(token) // section 2.6: as an ID token is
	header := part(t, token, 0)
	events, _ := claims["events"].(map[string]any)
	event, isObject := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if header["typ"] != "logout+jwt" || header["alg"] != "RS256" || !isObject || len(event) != 0 {
		t.Errorf("2.4: got %v %v", header, claims)
	}
	if claims["sid"] != said["sid"] || claims["sub"] != said["sub"] || claims["jti"] == nil || claims["nonce"] != nil || said["sid"] == nil {
		t.Errorf("2.4: got %v for %v", claims, said)
	}
}
