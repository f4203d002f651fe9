package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// basicClients are those of the Basic profile: their secrets are one.
const basicClients = `
scopes: [{name: "posts:write", text: Write posts}]
clients:
- {id: web, client_name: Web, secret: a-secret-that-is-long-enough-for-all, redirect_uris: ["https://web.example.com/cb"]}
- {id: first, secret: a-secret-that-is-long-enough-for-all, first_party: true, redirect_uris: ["https://first.example.com/cb"]}
- {id: second, secret: a-secret-that-is-long-enough-for-all, first_party: true, redirect_uris: ["https://second.example.com/cb"]}
- {id: posts, secret: a-secret-that-is-long-enough-for-all, first_party: true, token_endpoint_auth_method: client_secret_post, redirect_uris: ["https://posts.example.com/cb"]}
- {id: query, secret: a-secret-that-is-long-enough-for-all, first_party: true, redirect_uris: ["https://query.example.com/cb?foo=bar"]}
- {id: native, application_type: native, redirect_uris: ["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"]}
`

// TestOpenIDBasicProfile is the certification profile Basic OP.
func TestOpenIDBasicProfile(t *testing.T) {
	t.Parallel()
	p := newProvider(t, basicClients)
	run := func(name string, test func(t *testing.T)) { t.Run(name, test) }

	run("OpenID Core 3.1: the code flow signs a person in (oidcc-server)", func(t *testing.T) {
		c, b := p.client(t, "web"), p.browser(t)
		a := c.granted(b)
		if !slices.Equal(a.pages, []string{"/sign-in", "/consent"}) || a.mode != "query" {
			t.Errorf("the person saw %v, and went on by %s", a.pages, a.mode)
		}
		got := c.redeem(a.values.Get("code")).ok()
		claims := c.verified(got.text("id_token"))
		if claims["sub"] != string(p.user.ID) || claims["nonce"] != nonce || claims["aud"] != "web" || claims["auth_time"] == nil {
			t.Errorf("the ID token says %v", claims)
		}
		if claims["at_hash"] != halfHash(got.text("access_token")) {
			t.Errorf("at_hash is %v", claims["at_hash"])
		}
		if kid, _ := part(t, got.text("id_token"), 0)["kid"].(string); kid == "" {
			t.Error("the ID token names no key")
		}
		info := c.userinfo(got.text("access_token")).ok()
		if info.text("sub") != claims["sub"] {
			t.Errorf("userinfo is of %v", info.values)
		}
		if again := c.granted(b); len(again.pages) > 0 {
			t.Errorf("the person was asked again: %v", again.pages)
		}
	})

	run("OpenID Core 3.1.2.1: a request with a parameter too many or too few", func(t *testing.T) {
		c, b := p.client(t, "first"), p.signedIn(t)
		for _, tt := range []struct{ name, error, changes string }{
			{"response_type is needed (oidcc-response-type-missing)", "invalid_request", "response_type="},
			{"an unknown response_type is unsupported_response_type", "unsupported_response_type", "response_type=bogus"},
			{"a response_type that was not registered is refused", "unauthorized_client", "response_type=code id_token"},
			{"token alone is no response_type here (RFC 9700 2.1.2)", "unsupported_response_type", "response_type=token"},
			{"a scope that nobody knows, alone, is invalid_scope", "invalid_scope", "scope=bogus"},
			{"prompt=none with another is invalid_request", "invalid_request", "prompt=none login"},
			{"an unknown prompt is invalid_request", "invalid_request", "prompt=bogus"},
			{"a max_age that is no number is invalid_request", "invalid_request", "max_age=soon"},
			{"an unknown response_mode is invalid_request", "invalid_request", "response_mode=bogus"},
			{"a hint that is no ID token is invalid_request", "invalid_request", "id_token_hint=bogus"},
			{"claims that are no JSON are invalid_request", "invalid_request", "claims={"},
			{"registration is not supported (7.2.1)", "registration_not_supported", "registration={}"},
			{"PKCE by plain is refused (RFC 7636 4.4.1)", "invalid_request", "code_challenge=" + verifier + "&code_challenge_method=plain"},
			{"an unknown resource is invalid_target (RFC 8707 2)", "invalid_target", "resource=https://nobody.example.com"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				var pairs []string
				for pair := range strings.SplitSeq(tt.changes, "&") {
					name, value, _ := strings.Cut(pair, "=")
					pairs = append(pairs, name, value)
				}
				a := c.authorize(b, pairs...).told(tt.error)
				if a.values.Get("state") != state || a.values.Get("iss") != p.url || strings.ContainsAny(a.values.Get("error_description"), "\"\\\r\n\t") {
					t.Errorf("the client was told %v", a.values)
				}
			})
		}
		for _, tt := range []struct{ name, changes string }{
			{"a nonce is not needed for a code (oidcc-ensure-request-without-nonce-succeeds-for-code-flow)", "nonce="},
			{"scopes in another order (oidcc-ensure-other-scope-order-succeeds)", "scope=email openid"},
			{"a parameter that nobody knows (oidcc-ensure-request-with-unknown-parameter-succeeds)", "extra=foobar"},
			{"a scope that nobody knows is left out", "scope=openid bogus"},
			{"display=page (oidcc-display-page)", "display=page"},
			{"display=popup (oidcc-display-popup)", "display=popup"},
			{"ui_locales (oidcc-ui-locales)", "ui_locales=se de fr"},
			{"claims_locales (oidcc-claims-locales)", "claims_locales=se"},
			{"acr_values (oidcc-ensure-request-with-acr-values-succeeds)", "acr_values=1 2"},
			{"login_hint (oidcc-login-hint)", "login_hint=" + personMail},
			{"PKCE is for everybody (oidcc-ensure-request-with-valid-pkce-succeeds)", strings.Join([]string{"code_challenge=" + pkce()[1], "code_challenge_method=S256"}, "&")},
			{"a parameter without a value was not sent (RFC 6749 3.1)", "prompt= "},
		} {
			t.Run(tt.name, func(t *testing.T) {
				values, err := url.ParseQuery(tt.changes)
				if err != nil {
					t.Fatal(err)
				}
				q := c.asks()
				for name, value := range values {
					if q.Set(name, strings.TrimSpace(value[0])); tt.changes == "nonce=" {
						q.Del(name)
					}
				}
				a := c.good(b.work(b.get(p.at("authorization_endpoint") + "?" + q.Encode())))
				var with []string
				if q.Has("code_challenge") {
					with = []string{"code_verifier", verifier}
				}
				claims := c.verified(c.redeem(a.values.Get("code"), with...).ok().text("id_token"))
				if (claims["nonce"] != nil) != q.Has("nonce") {
					t.Errorf("nonce is %v", claims["nonce"])
				}
				if q.Has("acr_values") && claims["acr"] == nil {
					t.Error("acr is missing")
				}
			})
		}
		t.Run("a parameter must not be there twice (RFC 6749 3.1)", func(t *testing.T) {
			b.work(b.get(p.at("authorization_endpoint") + "?" + c.asks().Encode() + "&scope=email")).told("invalid_request")
		})
	})

	run("OpenID Core 3.1.2.1: GET and POST are the same (oidcc-ensure-post-request-succeeds)", func(t *testing.T) {
		c, b := p.client(t, "first"), p.signedIn(t)
		first := b.postFrom("https://first.example.com", p.at("authorization_endpoint"), c.asks())
		if first.status != http.StatusSeeOther {
			t.Errorf("a POST is answered %d (RFC 9700 4.12: 303)", first.status)
		}
		a := c.good(b.work(first))
		if len(a.pages) > 0 {
			t.Errorf("who is signed in was asked to sign in: %v", a.pages)
		}
	})

	run("OpenID Core 3.1.2.1: the redirect URI", func(t *testing.T) {
		b := p.signedIn(t)
		for _, tt := range []struct {
			name, client, uri string
			good              bool
		}{
			{"one that is registered", "first", "https://first.example.com/cb", true},
			{"one that is not (oidcc-ensure-registered-redirect-uri)", "first", "https://first.example.com/cb/other", false},
			{"none, with openid (oidcc-ensure-redirect-uri-in-authorization-request)", "first", "", false},
			{"another host", "first", "https://evil.example.com/cb", false},
			{"another scheme", "first", "http://first.example.com/cb", false},
			{"another port", "first", "https://first.example.com:444/cb", false},
			{"another case in the path", "first", "https://first.example.com/CB", false},
			{"a slash more", "first", "https://first.example.com/cb/", false},
			{"dots in the path", "first", "https://first.example.com/x/../cb", false},
			{"a user before the host", "first", "https://first.example.com@evil.example.com/cb", false},
			{"a query that was not registered (oidcc-redirect-uri-query-added)", "first", "https://first.example.com/cb?foo=bar", false},
			{"a fragment", "first", "https://first.example.com/cb#x", false},
			{"a query that was registered (oidcc-redirect-uri-query-OK)", "query", "https://query.example.com/cb?foo=bar", true},
			{"another query (oidcc-redirect-uri-query-mismatch)", "query", "https://query.example.com/cb?foo=baz", false},
			{"without its query", "query", "https://query.example.com/cb", false},
			{"RFC 8252 7.3: any port of the loopback address", "native", "http://127.0.0.1:49152/cb", true},
			{"RFC 8252 7.3: of IPv6 too", "native", "http://[::1]:49152/cb", true},
			{"RFC 8252 7.1: a scheme of one's own", "native", "com.example.app:/cb", true},
			{"localhost is another name than 127.0.0.1", "native", "http://localhost:49152/cb", false},
			{"another path of the loopback address", "native", "http://127.0.0.1:49152/other", false},
			{"another loopback address", "native", "http://127.0.0.2:49152/cb", false},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := p.client(t, tt.client)
				a := c.authorize(b, pkce("redirect_uri", tt.uri)...)
				if !tt.good {
					a.shown()
					return
				}
				if c.good(a); !strings.HasPrefix(a.client.String(), tt.uri) {
					t.Errorf("the answer went to %v", a.client)
				}
			})
		}
		t.Run("a client that nobody knows is told to the person", func(t *testing.T) {
			p.client(t, "nobody").authorize(b).shown()
		})
		t.Run("the query that was registered stays (RFC 6749 3.1.2)", func(t *testing.T) {
			c := p.client(t, "query")
			if a := c.granted(b, "redirect_uri", "https://query.example.com/cb?foo=bar"); a.values.Get("foo") != "bar" || a.values.Get("code") == "" {
				t.Errorf("got %v", a.client)
			}
		})
	})

	run("OpenID Core 3.1.2.1: prompt", func(t *testing.T) {
		c := p.client(t, "first")
		t.Run("prompt=none without a session is login_required (oidcc-prompt-none-not-logged-in)", func(t *testing.T) {
			c.authorize(p.browser(t), "prompt", "none").told("login_required")
		})
		t.Run("prompt=none with a session shows nothing (oidcc-prompt-none-logged-in)", func(t *testing.T) {
			b := p.browser(t)
			first := c.verified(c.tokens(b).text("id_token"))
			a := c.granted(b, "prompt", "none")
			second := c.verified(c.redeem(a.values.Get("code")).ok().text("id_token"))
			if len(a.pages) > 0 || first["sub"] != second["sub"] || first["auth_time"] != second["auth_time"] {
				t.Errorf("%v after %v: %v", second, first, a.pages)
			}
		})
		t.Run("prompt=none without consent is consent_required", func(t *testing.T) {
			p.client(t, "web").authorize(p.signedIn(t), "prompt", "none", "scope", "openid phone").told("consent_required")
		})
		t.Run("prompt=login asks again, and auth_time is later (oidcc-prompt-login)", func(t *testing.T) {
			b := p.browser(t)
			first := c.verified(c.tokens(b).text("id_token"))
			p.forward(2 * time.Second)
			a := c.granted(b, "prompt", "login")
			second := c.verified(c.redeem(a.values.Get("code")).ok().text("id_token"))
			if !a.saw("/sign-in") || second["sub"] != first["sub"] || second["auth_time"].(float64) <= first["auth_time"].(float64) {
				t.Errorf("%v after %v: %v", second, first, a.pages)
			}
		})
		t.Run("prompt=consent asks again", func(t *testing.T) {
			c, b := p.client(t, "web"), p.browser(t)
			c.granted(b)
			if a := c.granted(b, "prompt", "consent"); !slices.Equal(a.pages, []string{"/consent"}) {
				t.Errorf("the person saw %v", a.pages)
			}
		})
		t.Run("prompt=select_account lets the person choose", func(t *testing.T) {
			b := p.signedIn(t)
			if a := c.granted(b, "prompt", "select_account"); !slices.Equal(a.pages, []string{"/accounts"}) {
				t.Errorf("the person saw %v", a.pages)
			}
		})
		t.Run("Initiating User Registration 4.1: prompt=create leads to the sign-up", func(t *testing.T) {
			if a := c.authorize(p.browser(t), "prompt", "create"); !a.saw("/sign-up") {
				t.Errorf("the person saw %v", a.pages)
			}
		})
		t.Run("OpenID Core 3.1.2.6: who declines is access_denied", func(t *testing.T) {
			b := p.signedIn(t)
			b.deny = true
			p.client(t, "web").authorize(b, "prompt", "consent").told("access_denied")
		})
	})

	run("OpenID Core 3.1.2.1: max_age", func(t *testing.T) {
		c, b := p.client(t, "first"), p.browser(t)
		first := c.verified(c.tokens(b).text("id_token"))
		p.forward(2 * time.Second)
		t.Run("a session that is young enough does (oidcc-max-age-10000)", func(t *testing.T) {
			a := c.granted(b, "max_age", "10000")
			claims := c.verified(c.redeem(a.values.Get("code")).ok().text("id_token"))
			if len(a.pages) > 0 || claims["auth_time"] != first["auth_time"] {
				t.Errorf("%v after %v: %v", claims, first, a.pages)
			}
		})
		t.Run("max_age with prompt=none and an old session is login_required", func(t *testing.T) {
			c.authorize(b, "max_age", "1", "prompt", "none").told("login_required")
		})
		t.Run("an old session has to sign in again (oidcc-max-age-1)", func(t *testing.T) {
			a := c.granted(b, "max_age", "1")
			claims := c.verified(c.redeem(a.values.Get("code")).ok().text("id_token"))
			if !a.saw("/sign-in") || claims["auth_time"].(float64) <= first["auth_time"].(float64) {
				t.Errorf("%v after %v: %v", claims, first, a.pages)
			}
		})
	})

	run("OpenID Core 3.1.2.1: id_token_hint", func(t *testing.T) {
		c, b := p.client(t, "first"), p.browser(t)
		id := c.tokens(b).text("id_token")
		t.Run("names the person (oidcc-id-token-hint)", func(t *testing.T) {
			c.granted(b, "prompt", "none", "id_token_hint", id)
		})
		t.Run("another person than it names is login_required", func(t *testing.T) {
			other := p.browser(t)
			other.email = "grace@example.com"
			p.person(other.email)
			other.work(other.get(p.url + "/sign-in"))
			c.authorize(other, "prompt", "none", "id_token_hint", id).told("login_required")
		})
		t.Run("of another client is refused", func(t *testing.T) {
			p.client(t, "second").authorize(b, "id_token_hint", id).told("invalid_request")
		})
		t.Run("with another signature is refused", func(t *testing.T) {
			c.authorize(b, "id_token_hint", id[:len(id)-8]+"AAAAAAAA").told("invalid_request")
		})
	})

	run("OpenID Core 5.4: what a scope asks for", func(t *testing.T) {
		c, b := p.client(t, "first"), p.signedIn(t)
		profile := []string{"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"}
		email, address, phone := []string{"email", "email_verified"}, []string{"address"}, []string{"phone_number", "phone_number_verified"}
		for _, tt := range []struct {
			name, scope string
			claims      []string
		}{
			{"openid alone", "openid", nil},
			{"profile (oidcc-scope-profile)", "openid profile", profile},
			{"email (oidcc-scope-email)", "openid email", email},
			{"address (oidcc-scope-address)", "openid address", address},
			{"phone (oidcc-scope-phone)", "openid phone", phone},
			{"all (oidcc-scope-all)", "openid profile email address phone", slices.Concat(profile, email, address, phone)},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got := c.tokens(b, "scope", tt.scope)
				info := c.userinfo(got.text("access_token")).ok().values
				for _, name := range tt.claims {
					if info[name] == nil {
						t.Errorf("userinfo has no %s", name)
					}
				}
				if len(info) != len(tt.claims)+1 {
					t.Errorf("userinfo has more than was asked for: %v", info)
				}
				if got.text("scope") != tt.scope {
					t.Errorf("the scope is %q", got.text("scope"))
				}
			})
		}
		t.Run("claims, essential (oidcc-claims-essential)", func(t *testing.T) {
			got := c.tokens(b, "claims", `{"userinfo":{"name":{"essential":true}},"id_token":{"email":null,"auth_time":{"essential":true}}}`)
			if info := c.userinfo(got.text("access_token")).ok().values; info["name"] == nil || info["email"] != nil {
				t.Errorf("userinfo says %v", info)
			}
			if id := c.verified(got.text("id_token")); id["email"] != personMail || id["auth_time"] == nil || id["name"] != nil {
				t.Errorf("the ID token says %v", id)
			}
		})
		t.Run("5.5.1.1: an acr that is essential and cannot be had is refused", func(t *testing.T) {
			c.authorize(b, "claims", `{"id_token":{"acr":{"essential":true,"values":["urn:example:gold"]}}}`).told("unmet_authentication_requirements")
		})
		t.Run("5.5: a sub that is another person's is not given", func(t *testing.T) {
			c.authorize(b, "prompt", "none", "claims", `{"id_token":{"sub":{"value":"somebody-else"}}}`).told("login_required")
		})
	})

	run("OpenID Core 5.3.1: how userinfo is asked", func(t *testing.T) {
		c, b := p.client(t, "first"), p.signedIn(t)
		access, at := c.tokens(b).text("access_token"), p.at("userinfo_endpoint")
		for name, got := range map[string]reply{
			"oidcc-userinfo-get":         c.userinfo(access),
			"oidcc-userinfo-post-header": p.request(t, http.MethodPost, at, "", "", "Authorization", "Bearer "+access),
			"oidcc-userinfo-post-body":   p.form(t, at, url.Values{"access_token": {access}}),
		} {
			if got.ok().text("sub") != string(p.user.ID) || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
	})

	run("OpenID Core 9: client_secret_post (oidcc-server-client-secret-post)", func(t *testing.T) {
		c, b := p.client(t, "posts"), p.signedIn(t)
		c.auth = authPost
		c.tokens(b)
	})

	run("RFC 6749 4.1.2: a code is good once (oidcc-codereuse, oidcc-codereuse-30seconds)", func(t *testing.T) {
		c, b := p.client(t, "first"), p.signedIn(t)
		for name, later := range map[string]time.Duration{"at once": 0, "30 seconds later": 31 * time.Second} {
			t.Run(name, func(t *testing.T) {
				code := c.code(b)
				got := c.redeem(code).ok()
				c.userinfo(got.text("access_token")).ok()
				p.forward(later)
				c.redeem(code).refused(http.StatusBadRequest, "invalid_grant")
				c.userinfo(got.text("access_token")).refused(http.StatusUnauthorized, "invalid_token")
				c.token("refresh_token", "refresh_token", got.text("refresh_token")).refused(http.StatusBadRequest, "invalid_grant")
			})
		}
	})

	run("OpenID Core 6: request objects", func(t *testing.T) {
		c, b := p.client(t, "first"), p.signedIn(t)
		object := map[string]any{}
		for name, values := range c.asks() {
			object[name] = values[0]
		}
		t.Run("an unsigned one is request_not_supported (oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported)", func(t *testing.T) {
			c.authorize(b, "request", unsignedJWT(object)).told("request_not_supported")
		})
		t.Run("where the redirect URI beside it is not registered, nobody is sent anywhere (oidcc-ensure-request-object-with-redirect-uri)", func(t *testing.T) {
			c.authorize(b, "redirect_uri", "https://first.example.com/bogus", "request", unsignedJWT(object)).shown()
		})
		t.Run("one by reference that was not registered is invalid_request_uri", func(t *testing.T) {
			c.authorize(b, "request_uri", "https://first.example.com/object").told("invalid_request_uri")
		})
		if slices.Contains(p.lists("request_object_signing_alg_values_supported"), "none") {
			t.Error("the metadata says that unsigned ones are supported")
		}
	})

	run("OpenID Core 12: refresh tokens (oidcc-refresh-token)", func(t *testing.T) {
		c, other, b := p.client(t, "first"), p.client(t, "second"), p.signedIn(t)
		got := c.tokens(b, "scope", "openid offline_access", "prompt", "consent")
		before := c.verified(got.text("id_token"))
		next := c.token("refresh_token", "refresh_token", got.text("refresh_token")).ok()
		after := c.verified(next.text("id_token"))
		for _, same := range []string{"iss", "sub", "aud", "auth_time", "azp"} {
			if before[same] != after[same] {
				t.Errorf("12.2: %s was %v and is %v", same, before[same], after[same])
			}
		}
		if after["nonce"] != nil {
			t.Error("12.2: there is a nonce again")
		}
		c.userinfo(next.text("access_token")).ok()
		other.token("refresh_token", "refresh_token", next.text("refresh_token")).refused(http.StatusBadRequest, "invalid_grant")
		c.token("refresh_token", "refresh_token", next.text("refresh_token")).ok()
	})
}
