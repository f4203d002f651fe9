package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"signet/data"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
)

// fuzzed is an issuer with clients, and what a stranger's request may hold of
// theirs and of a person's: in a seed, {name} stands for it.
type fuzzed struct {
	*issuer
	access, web, list string
}

func newFuzzed(f *testing.F) *fuzzed {
	i := newIssuer(f, "SIGNET_THROTTLE_NETWORK_EVERY=1ms", "SIGNET_THROTTLE_REGISTER_EVERY=1ms", "SIGNET_THROTTLE_REQUEST_EVERY=1ms",
		"SIGNET_CLIENT_REGISTRATION=open", "SIGNET_OAUTH_SESSION_MANAGEMENT=true")
	z := &fuzzed{issuer: i, access: i.signUp("ada@example.com").AccessToken}
	must(f, i.house.store.CreateClient(f.Context(), data.Client{ID: "app", Metadata: data.Metadata{
		AuthMethod: wire.AuthNone, RedirectURIs: []string{"https://app.example/cb"}, PostLogoutURIs: []string{"https://app.example/bye"},
		ResponseTypes: metadata.ResponseTypes,
		GrantTypes:    []string{wire.GrantAuthorizationCode, wire.GrantImplicit, wire.GrantRefreshToken, wire.GrantDeviceCode},
	}}, 0))
	z.list = statusOf(f, z.access).URI[len(z.house.config.Issuer+mint.StatusListPath):]
	_, secret, err := i.house.clients.Create(f.Context(), data.Client{ID: "web", Introspect: true, ExchangeAudiences: []string{"api"},
		Metadata: data.Metadata{GrantTypes: []string{wire.GrantClientCredentials, wire.GrantTokenExchange, wire.GrantJWTBearer}}})
	must(f, err)
	z.web = base64.StdEncoding.EncodeToString([]byte("web:" + secret))
	return z
}

var (
	csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	aPart     = regexp.MustCompile(`\{[a-z]+\}`)
)

// browse sends what a browser would, and keeps its cookies.
func (z *fuzzed) browse(jar map[string]string, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:4000"+target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", formType)
		r.Header.Set("Origin", "http://localhost:4000")
	}
	r.Header.Set("Cookie", cookies(jar))
	w := httptest.NewRecorder()
	z.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		jar[c.Name] = c.Value
	}
	return w
}

func cookies(jar map[string]string) string {
	var all []string
	for name, value := range jar {
		all = append(all, name+"="+value)
	}
	return strings.Join(all, "; ")
}

// parts makes new ones of all that the seed asks for: the last input may have
// spent them.
func (z *fuzzed) parts(seed string) *strings.Replacer {
	known := map[string]string{"{access}": z.access, "{web}": z.web, "{list}": z.list}
	asked := map[string]bool{}
	for _, name := range aPart.FindAllString(seed, -1) {
		asked[name] = true
	}
	if asked["{cookie}"] || asked["{csrf}"] || asked["{request}"] || asked["{account}"] {
		jar := map[string]string{}
		to, _ := url.Parse(z.browse(jar, "GET", "/oauth2/authorize?"+asking("app").Encode(), "").Header().Get("Location"))
		known["{request}"] = to.Query().Get("request")
		page := z.browse(jar, "GET", to.RequestURI(), "").Body.String()
		if m := csrfField.FindStringSubmatch(page); m != nil {
			known["{csrf}"] = m[1]
		}
		if !asked["{stranger}"] {
			z.browse(jar, "POST", "/sign-in", url.Values{"csrf": {known["{csrf}"]}, "request": {known["{request}"]},
				"email": {"ada@example.com"}, "password": {password}}.Encode())
			at := z.browse(jar, "GET", "/sign-in", "").Header().Get("Location")
			if u, err := url.Parse(at); err == nil {
				known["{account}"] = u.Query().Get("account")
			}
		}
		known["{cookie}"] = cookies(jar)
	}
	if asked["{user}"] || asked["{device}"] {
		var codes struct {
			User   string `json:"user_code"`
			Device string `json:"device_code"`
		}
		_ = json.Unmarshal(z.browse(map[string]string{}, "POST", "/oauth2/device_authorization", "client_id=app").Body.Bytes(), &codes)
		known["{user}"], known["{device}"] = codes.User, codes.Device
	}
	var list []string
	for name, value := range known {
		list = append(list, name, value)
	}
	return strings.NewReplacer(list...)
}

// seeds are requests that get far on each route; a line is a method, a path
// with its query, a content type, an Authorization and a Cookie header, and a
// body.
func (z *fuzzed) seeds(f *testing.F) {
	add := func(line string) {
		p := strings.SplitN(line, " | ", 6)
		f.Add(p[0], p[1], p[2], p[3], p[4], p[5])
	}
	ask := asking("app").Encode()
	for _, more := range []string{"", "&nonce=n&response_mode=form_post", "&prompt=none", "&prompt=login+consent&max_age=0", "&prompt=create", "&claims=%7B%22id_token%22%3A%7B%22acr%22%3A%7B%22essential%22%3Atrue%7D%7D%7D",
		"&request=e30.e30.e30", "&request_uri=https%3A%2F%2Fapp.example%2Fr", "&request_uri=urn:ietf:params:oauth:request_uri:{request}", "&id_token_hint=e30.e30.e30", "&resource=%00", "&ui_locales=de+%FF", "&login_hint=%3Cevil%3E", "&registration=%7B%7D", "&dpop_jkt=x"} {
		add("GET | /oauth2/authorize?" + ask + more + " |  |  |  | ")
		add("GET | /oauth2/authorize?" + ask + more + " |  |  | {cookie} | ")
		add("POST | /oauth2/authorize | " + formType + " |  |  | " + ask + more)
		add("POST | /oauth2/par | " + formType + " |  |  | " + ask + more)
	}
	for _, page := range []string{"/sign-in", "/sign-up", "/accounts", "/consent", "/device", "/signed-out", "/account", "/oauth2/authorize/continue", "/oauth2/check_session", "/oauth2/logout"} {
		add("GET | " + page + "?request={request}&user_code={user}&account={account}&notice=%3Cevil%3E |  |  | {cookie} | ")
		add("GET | " + page + "?request={request}&ui_locales=de |  |  | {cookie}{stranger} | ")
		add("HEAD | " + page + "?request=signet_rq_x |  |  | a=b; a=c | ")
	}
	for path, fields := range map[string]string{
		"/sign-in": "email=ada%40example.com&password=wrong+password", "/sign-up": "email=%3Cevil%3E%40example.com&password=correct+horse&name=%3Cevil%3E",
		"/accounts": "account={account}", "/consent": "account={account}&action=go", "/device": "user_code={user}&account={account}&action=go",
		"/account/name": "account={account}&name=%22%3E%3Cevil%3E", "/account/password": "account={account}&current_password=a&new_password=long+enough+b", "/account/devices": "account={account}&action=all&id=zz",
		"/account/apps": "account={account}&id=app", "/account/sign-out": "account={account}", "/oauth2/logout/confirm?account={account}": "action=go",
	} {
		add("POST | " + path + " | " + formType + " |  | {cookie} | csrf={csrf}&" + fields)
		add("POST | " + path + " | " + formType + " |  | {cookie} | csrf={csrf}&request={request}&" + fields)
		add("POST | " + path + " | " + formType + " |  | {cookie}{stranger} | csrf={csrf}&action=cancel&request={request}")
		add("POST | " + path + " | " + formType + " |  | {cookie} | csrf=x&" + fields)
	}
	add("POST | /oauth2/logout | " + formType + " |  |  | client_id=app&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye&state=%0d%0a&logout_hint=%3Cevil%3E")
	for _, form := range []string{"grant_type=authorization_code&code=signet_ac_x&client_id=app&code_verifier=v", "grant_type=refresh_token&client_id=app&refresh_token=signet_rt_AAAA",
		"grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=app&device_code={device}", "grant_type=client_credentials&client_id=%FF",
		"grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=e30.e30.e30"} {
		add("POST | /oauth2/token | " + formType + " |  |  | " + form)
	}
	for _, form := range []string{"grant_type=client_credentials&scope=openid+x&resource=api", "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=e30.e30.e30",
		"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={access}&subject_token_type=urn:ietf:params:oauth:token-type:access_token&audience=api"} {
		add("POST | /oauth2/token | " + formType + " | Basic {web} |  | " + form)
	}
	for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
		add("POST | " + path + " | " + formType + " | Basic {web} |  | token={access}&token_type_hint=refresh_token")
		add("POST | " + path + " | " + formType + " | Basic d2ViOiV6eg== |  | token=signet_rt_AAAA")
	}
	for _, how := range []string{"Bearer {access}", "DPoP {access}", "Bearer e30.e30.e30"} {
		add("GET | /oauth2/userinfo |  | " + how + " |  | ")
		add("POST | /oauth2/userinfo | " + formType + " |  |  | access_token=" + how[7:])
	}
	add(`POST | /oauth2/register | application/json |  |  | {"redirect_uris":["https://x.example/cb"],"client_name":"\u003cevil\u003e","client_name#de":"x","grant_types":["authorization_code","implicit"],"response_types":["code","id_token"],"jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]},"subject_type":"pairwise","default_max_age":-1}`)
	add(`POST | /oauth2/register | application/json |  |  | {"redirect_uris":["javascript:alert(1)"],"sector_identifier_uri":"https://127.0.0.1/","logo_uri":"data:x","software_statement":1}`)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		add(method + ` | /oauth2/register/app | application/json | Bearer signet_ra_x |  | {"client_id":"app"}`)
	}
}

// Whatever a stranger sends, the issuer neither breaks nor says that it did,
// every refusal says what it is with a request id, nobody is led anywhere but
// to us and to a client, and nothing of the request is markup in a page.
func FuzzNoRequestIsAServerError(f *testing.F) {
	z := newFuzzed(f)
	for _, path := range []string{"/register", "/login", "/refresh", "/logout", "/me/password", "/session/login", "/session/refresh", "/session/logout"} {
		f.Add("POST", path, "application/json", "Bearer {access}", "signet_session=x", credentials("bob@example.com"))
		f.Add("POST", path, "application/json; charset=\xff", "Bearer \x00", "signet_session=;;=", `{"email":"\u0000@\ud800"}`)
	}
	f.Add("POST", "/refresh", "application/json", "", "", `{"refresh_token":"signet_rt_AAAA","audience":"x"}`)
	f.Add("POST", "/me/password", "application/json", "Bearer {access}", "", `{"current":"a","new":"b"}`)
	f.Add("DELETE", "/logout", "", "Bearer a.b.c", "", "")
	f.Add("GET", "/.well-known/jwks.json?%zz", "", "", "", "")
	f.Add("HEAD", "/me/../%2e%2e//", "", "", "", "")
	for _, path := range []string{"/oauth2/status_lists", "/oauth2/status_lists/{list}", "/oauth2/status_lists/{list}?time=1", "/oauth2/status_lists/{list}%2f..",
		"/oauth2/status_lists/AAAAAAAAAAAAAAAAAAAAAA", "/oauth2/status_lists/%00{list}"} {
		f.Add("GET", path, "", "", "", "")
		f.Add("HEAD", path, "", "", "", "")
	}
	z.seeds(f)
	f.Fuzz(func(t *testing.T, method, path, contentType, authorization, cookie, body string) {
		fill := z.parts(strings.Join([]string{path, authorization, cookie, body}, " "))
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost:4000/", strings.NewReader(fill.Replace(body)))
		if err != nil {
			return
		}
		if u, err := r.URL.Parse(fill.Replace(path)); err == nil {
			r.URL = u
		}
		r.RemoteAddr = "192.0.2.1:1"
		from := origin
		if contentType == formType {
			from = "http://localhost:4000"
		}
		for name, value := range map[string]string{"Content-Type": contentType, "Authorization": authorization, "Cookie": strings.TrimSuffix(cookie, "{stranger}"), "Origin": from} {
			if value != "" {
				r.Header.Set(name, fill.Replace(value))
			}
		}
		w := httptest.NewRecorder()
		z.handler.ServeHTTP(w, r)
		if problem := broken(method, w); problem != "" {
			t.Errorf("%s %q was answered with %d %s: %s %v", method, path, w.Code, problem, w.Body, w.Header())
		}
	})
}

// broken says what no answer may be.
func broken(method string, w *httptest.ResponseRecorder) string {
	if w.Code >= http.StatusInternalServerError && w.Code != http.StatusServiceUnavailable && w.Code != http.StatusNotImplemented {
		return "which is a failure of ours"
	}
	html := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html")
	if w.Code >= http.StatusBadRequest && method != http.MethodHead {
		var refusal struct{ Error string }
		if json.Unmarshal(w.Body.Bytes(), &refusal); refusal.Error == "" && !html || w.Header().Get("X-Request-Id") == "" {
			return "which says nothing"
		}
	}
	if html && (strings.Contains(w.Body.String(), "<evil") || w.Header().Get("Content-Security-Policy") == "") {
		return "which is not safe to show"
	}
	to := w.Header().Get("Location")
	ours := strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to, "/\\")
	if to != "" && !ours && !strings.HasPrefix(to, "https://app.example/cb") && !strings.HasPrefix(to, "https://app.example/bye") {
		return fmt.Sprintf("which leads to %q", to)
	}
	return ""
}
