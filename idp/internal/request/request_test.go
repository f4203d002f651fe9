package request_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/request"
	"signet/idp/internal/request/requesttest"
	"signet/idp/internal/wire"
)

const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // of RFC 7636, appendix B

// asks are the parameters of a good request of a client, with changes: pairs
// of a name and a value, "" taking the parameter away, and "+name" adding one.
func asks(client string, changes ...string) url.Values {
	v := url.Values{"client_id": {client}, "response_type": {"code"}, "redirect_uri": {"https://" + client + ".example.com/cb"},
		"scope": {"openid posts"}, "state": {"st"}, "nonce": {"n-1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	for i := 0; i < len(changes); i += 2 {
		name, add := strings.CutPrefix(changes[i], "+")
		if !add {
			v.Del(name)
		}
		if changes[i+1] != "" {
			v.Add(name, changes[i+1])
		}
	}
	return v
}

func codeOf(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// seen is the outcome of a table's row: the error, and whether the client may
// be told of it.
type seen struct {
	code   string
	proven bool
}

var (
	good  = seen{"", true}
	page  = func(code string) seen { return seen{code, false} }
	tells = func(code string) seen { return seen{code, true} }
)

// row is a request, and what is found of it.
type row struct {
	name   string
	params url.Values
	want   seen
}

func run(t *testing.T, w *requesttest.World, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got, err := w.Parser.Read(t.Context(), r.params)
			if (seen{codeOf(err), got.Reply.Proven()}) != r.want {
				t.Errorf("got %v, proven %v; want %v", err, got.Reply.Proven(), r.want)
			}
		})
	}
}

func TestRFC6749Section411AuthorizationRequest(t *testing.T) {
	run(t, requesttest.New(t, ""), []row{
		{"a good one", asks("web"), good},
		{"two redirect URIs, where one might be left out", asks("web", "scope", "posts", "+redirect_uri", "https://web.example.com/cb"), page("invalid_request")},
		{"an unknown parameter is ignored", asks("web", "foo", "bar"), good},
		{"an unknown parameter that is there twice is ignored", asks("web", "foo", "bar", "+foo", "baz"), good},
		{"a parameter without a value is none", asks("web", "+state", ""), good},
		{"no client", asks("web", "client_id", ""), page("invalid_request")},
		{"an unknown client", asks("web", "client_id", "nobody"), page("invalid_client")},
		{"two clients", asks("web", "+client_id", "spa"), page("invalid_request")},
		{"the same client twice", asks("web", "+client_id", "web"), page("invalid_request")},
		{"no response type", asks("web", "response_type", ""), tells("invalid_request")},
		{"an unknown response type", asks("web", "response_type", "magic"), tells("unsupported_response_type")},
		{"a response type twice", asks("web", "+response_type", "code"), tells("invalid_request")},
		{"code code", asks("web", "response_type", "code code"), tells("unsupported_response_type")},
		{"two spaces", asks("all", "response_type", "code  token"), tells("unsupported_response_type")},
		{"a response type that was not registered", asks("web", "response_type", "code id_token"), tells("unauthorized_client")},
		{"a state twice", asks("web", "+state", "other"), tells("invalid_request")},
		{"a scope twice", asks("web", "+scope", "posts"), tells("invalid_request")},
		{"not UTF-8", asks("web", "state", "\xff"), tells("invalid_request")},
		{"a redirect URI that is not UTF-8", asks("web", "redirect_uri", "https://web.example.com/\xff"), page("invalid_request")},
		{"unknown scopes only", asks("web", "scope", "magic"), tells("invalid_scope")},
		{"unknown scopes among others", asks("web", "scope", "openid magic posts"), good},
		{"a scope that the client may not have", asks("narrow", "scope", "posts:write"), tells("invalid_scope")},
		{"no scope", asks("web", "scope", ""), good},
		{"more than anybody needs", asks("web", "state", strings.Repeat("s", 20<<10)), tells("invalid_request")},
	})
}

// The redirect URI decides where everything goes, so nothing about it is told
// to anybody but the person.
func TestRFC6749Section312RedirectURI(t *testing.T) {
	run(t, requesttest.New(t, ""), []row{
		{"another path", asks("web", "redirect_uri", "https://web.example.com/cb/"), page("invalid_request")},
		{"another host", asks("web", "redirect_uri", "https://evil.example.com/cb"), page("invalid_request")},
		{"another client's", asks("web", "redirect_uri", "https://spa.example.com/cb"), page("invalid_request")},
		{"a query added", asks("web", "redirect_uri", "https://web.example.com/cb?x=1"), page("invalid_request")},
		{"a registered query", asks("strict", "redirect_uri", "https://strict.example.com/cb?x=1"), good},
		{"a registered query left out", asks("strict", "redirect_uri", "https://strict.example.com/cb"), page("invalid_request")},
		{"another query", asks("strict", "redirect_uri", "https://strict.example.com/cb?x=2"), page("invalid_request")},
		{"a fragment added", asks("web", "redirect_uri", "https://web.example.com/cb#f"), page("invalid_request")},
		{"two of them", asks("web", "+redirect_uri", "https://evil.example.com/cb"), page("invalid_request")},
		{"the same twice", asks("web", "+redirect_uri", "https://web.example.com/cb"), page("invalid_request")},
		{"none, of a client with one, with OAuth alone", asks("web", "redirect_uri", "", "scope", "posts"), good},
		{"none, of a client with one, with OpenID Connect", asks("web", "redirect_uri", ""), page("invalid_request")},
		{"none, of a client with two", asks("spa", "redirect_uri", "", "scope", "posts"), page("invalid_request")},
		{"a wrong one beside another mistake", asks("web", "redirect_uri", "https://evil.example.com/cb", "response_type", ""), page("invalid_request")},
	})
}

func TestRFC8252Section73LoopbackRedirect(t *testing.T) {
	cli := func(uri string) url.Values { return asks("cli", "redirect_uri", uri) }
	run(t, requesttest.New(t, ""), []row{
		{"any port", cli("http://127.0.0.1:51004/cb"), good},
		{"no port", cli("http://127.0.0.1/cb"), good},
		{"any port of IPv6", cli("http://[::1]:51004/cb"), good},
		{"a scheme of its own", cli("com.example.cli:/cb"), good},
		{"another path", cli("http://127.0.0.1:51004/other"), page("invalid_request")},
		{"a query", cli("http://127.0.0.1:51004/cb?x=1"), page("invalid_request")},
		{"https", cli("https://127.0.0.1:51004/cb"), page("invalid_request")},
		{"the name", cli("http://localhost:51004/cb"), page("invalid_request")},
		{"another loopback address", cli("http://127.0.0.2:51004/cb"), page("invalid_request")},
		{"a longer host", cli("http://127.0.0.1.evil.example.com/cb"), page("invalid_request")},
		{"a port that is user information", cli("http://127.0.0.1:80@evil.example.com/cb"), page("invalid_request")},
		{"user information", cli("http://evil.example.com@127.0.0.1:80/cb"), page("invalid_request")},
		{"no digits", cli("http://127.0.0.1:x/cb"), page("invalid_request")},
		{"a fragment", cli("http://127.0.0.1:80/cb#f"), page("invalid_request")},
		{"another case", cli("HTTP://127.0.0.1:80/cb"), page("invalid_request")},
		{"a client on the web has no such right", asks("web", "redirect_uri", "http://127.0.0.1:80/cb"), page("invalid_request")},
	})
}

func TestRFC7636Section44Challenge(t *testing.T) {
	w := requesttest.New(t, "")
	run(t, w, []row{
		{"S256", asks("spa"), good},
		{"none, of a public client", asks("spa", "code_challenge", "", "code_challenge_method", ""), tells("invalid_request")},
		{"none, of a client of whom it is required", asks("strict", "redirect_uri", "https://strict.example.com/cb?x=1", "code_challenge", "", "code_challenge_method", ""), tells("invalid_request")},
		{"none, of a client with a secret", asks("web", "code_challenge", "", "code_challenge_method", ""), good},
		{"plain", asks("web", "code_challenge_method", "plain"), tells("invalid_request")},
		{"no method, which is plain", asks("web", "code_challenge_method", ""), tells("invalid_request")},
		{"a method alone", asks("web", "code_challenge", ""), tells("invalid_request")},
		{"an unknown method", asks("web", "code_challenge_method", "s256"), tells("invalid_request")},
		{"too short", asks("web", "code_challenge", challenge[1:]), tells("invalid_request")},
		{"too long", asks("web", "code_challenge", challenge+"A"), tells("invalid_request")},
		{"with padding", asks("web", "code_challenge", challenge[:42]+"="), tells("invalid_request")},
		{"not of base64url", asks("web", "code_challenge", "+"+challenge[1:]), tells("invalid_request")},
		{"with bits left over", asks("web", "code_challenge", challenge[:42]+"N"), tells("invalid_request")},
		{"twice", asks("web", "+code_challenge", challenge), tells("invalid_request")},
		{"where there is no code", asks("all", "response_type", "id_token", "code_challenge", "", "code_challenge_method", ""), good},
	})
	everybody := requesttest.New(t, "\noauth: {require_pkce: true}\n")
	run(t, everybody, []row{{"none, where it is required of all", asks("web", "code_challenge", "", "code_challenge_method", ""), tells("invalid_request")}})
}

func TestRFC8707Section2Resource(t *testing.T) {
	w := requesttest.New(t, "")
	run(t, w, []row{
		{"a configured one", asks("web", "resource", "https://billing.example.com"), good},
		{"several", asks("web", "resource", "https://billing.example.com", "audience", "api"), good},
		{"an unknown one", asks("web", "resource", "https://evil.example.com"), tells("invalid_target")},
		{"a longer one", asks("web", "resource", "https://billing.example.com/"), tells("invalid_target")},
		{"not absolute", asks("web", "resource", "api"), tells("invalid_target")},
		{"with a fragment", asks("web", "resource", "https://billing.example.com#f"), tells("invalid_target")},
		{"one that the client may not have", asks("narrow", "resource", "https://billing.example.com"), tells("invalid_target")},
		{"an unknown audience", asks("web", "audience", "evil"), tells("invalid_target")},
	})
	r, err := w.Parser.Read(t.Context(), asks("web", "resource", "https://billing.example.com", "audience", "api"))
	if err != nil || !slices.Equal(r.Audience, []string{"https://billing.example.com", "api"}) {
		t.Errorf("got %v %v", r.Audience, err)
	}
}

func TestOpenIDCoreSection3121AuthenticationRequest(t *testing.T) {
	run(t, requesttest.New(t, ""), []row{
		{"prompt none", asks("web", "prompt", "none"), good},
		{"prompt none and another", asks("web", "prompt", "none login"), tells("invalid_request")},
		{"prompt of several", asks("web", "prompt", "login consent select_account"), good},
		{"prompt create", asks("web", "prompt", "create"), good},
		{"an unknown prompt", asks("web", "prompt", "magic"), tells("invalid_request")},
		{"prompt in another case", asks("web", "prompt", "None"), tells("invalid_request")},
		{"max_age", asks("web", "max_age", "0"), good},
		{"max_age beyond all time", asks("web", "max_age", "9223372036854775807"), good},
		{"max_age beyond all numbers", asks("web", "max_age", "9223372036854775808"), tells("invalid_request")},
		{"a negative max_age", asks("web", "max_age", "-1"), tells("invalid_request")},
		{"a max_age of something else", asks("web", "max_age", "1e3"), tells("invalid_request")},
		{"an unknown display", asks("web", "display", "wall"), good},
		{"an id_token_hint of nobody's", asks("web", "id_token_hint", "x.y.z"), tells("invalid_request")},
		{"claims", asks("web", "claims", `{"id_token":{"email":null}}`), good},
		{"claims that are none", asks("web", "claims", `[]`), tells("invalid_request")},
		{"registration", asks("web", "registration", `{}`), tells("registration_not_supported")},
		{"no nonce with a code", asks("web", "nonce", ""), good},
		{"query for a code", asks("web", "response_mode", "query"), good},
		{"fragment for a code", asks("web", "response_mode", "fragment"), good},
		{"form_post for a code", asks("web", "response_mode", "form_post"), good},
		{"an unknown mode", asks("web", "response_mode", "web_message"), tells("invalid_request")},
	})
}

func TestOpenIDCoreSections32And33FrontChannel(t *testing.T) {
	all := func(responseType string, changes ...string) url.Values {
		return asks("all", append([]string{"response_type", responseType}, changes...)...)
	}
	run(t, requesttest.New(t, ""), []row{
		{"id_token", all("id_token"), good},
		{"id_token token", all("id_token token"), good},
		{"token id_token", all("token id_token"), good},
		{"code id_token", all("code id_token"), good},
		{"code token", all("code token"), good},
		{"code id_token token", all("code id_token token"), good},
		{"token code id_token", all("token code id_token"), good},
		{"token alone", all("token"), tells("unsupported_response_type")},
		{"none", all("none"), tells("unsupported_response_type")},
		{"id_token without a nonce", all("id_token", "nonce", ""), tells("invalid_request")},
		{"code id_token without a nonce", all("code id_token", "nonce", ""), tells("invalid_request")},
		{"code token without a nonce", all("code token", "nonce", ""), good},
		{"id_token without openid", all("id_token", "scope", "posts"), tells("invalid_request")},
		{"code token without openid", all("code token", "scope", "posts"), good},
		{"in a query", all("code id_token", "response_mode", "query"), tells("invalid_request")},
		{"in a form", all("code id_token", "response_mode", "form_post"), good},
		{"a token for a client whose tokens are bound", asks("bound", "response_type", "code token"), tells("unauthorized_client")},
		{"an ID token for a client whose tokens are bound", asks("bound", "response_type", "code id_token"), good},
		{"a token for a key", all("code token", "dpop_jkt", challenge), tells("invalid_request")},
	})
}

// Nothing that goes wrong puts a token, or its error, where it must not be.
func TestTheModeOfAnAnswer(t *testing.T) {
	w := requesttest.New(t, "")
	cases := []struct {
		responseType, mode string
		want               request.Mode
	}{
		{"code", "", request.Query}, {"code", "query", request.Query}, {"code", "fragment", request.Fragment}, {"code", "form_post", request.FormPost},
		{"code", "magic", request.Query}, {"", "", request.Query}, {"magic", "", request.Query}, {"", "form_post", request.FormPost},
		{"id_token", "", request.Fragment}, {"code id_token", "", request.Fragment}, {"code token", "query", request.Fragment},
		{"id_token token", "magic", request.Fragment}, {"token", "", request.Fragment}, {"code id_token token", "form_post", request.FormPost},
	}
	for _, c := range cases {
		r, _ := w.Parser.Read(t.Context(), asks("all", "response_type", c.responseType, "response_mode", c.mode))
		if r.Reply.Mode != c.want {
			t.Errorf("%q in %q goes by %q, want %q", c.responseType, c.mode, r.Reply.Mode, c.want)
		}
	}
}

func TestARequestIsReadInFull(t *testing.T) {
	w := requesttest.New(t, "")
	r, err := w.Parser.Read(t.Context(), asks("web", "scope", "posts openid magic offline_access", "prompt", "login consent", "max_age", "60", "display", "popup",
		"ui_locales", "de en", "login_hint", "ann@example.com", "claims", `{"userinfo":{"email":null}}`, "dpop_jkt", challenge, "client_secret", "never kept"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Client.ID != "web" || r.Scope != "posts openid offline_access" || r.Prompt != request.PromptLogin|request.PromptConsent || r.MaxAge != time.Minute ||
		r.Display != "popup" || !slices.Equal(r.UILocales, []string{"de", "en"}) || r.LoginHint != "ann@example.com" || r.Nonce != "n-1" ||
		r.Challenge != challenge || r.JKT != challenge || !slices.Equal(r.Claims.Names(), []string{"email"}) || !slices.Equal(r.Audience, []string{"api"}) ||
		r.Reply != (request.Reply{RedirectURI: "https://web.example.com/cb", Sent: true, Mode: request.Query, State: "st"}) || r.Signed {
		t.Errorf("got %+v", r)
	}
	if r.Params.Has("client_secret") || r.Params.Get("login_hint") == "" {
		t.Errorf("kept %v", r.Params)
	}
	again, err := w.Parser.Stored(t.Context(), data.Request{Client: "web", Params: r.Params, JKT: ""})
	if err != nil || again.Scope != r.Scope || again.Reply != r.Reply || again.JKT != r.JKT || again.Prompt != r.Prompt {
		t.Errorf("read again: %+v %v", again, err)
	}
}

func TestWhatAClientSaidBeforehandCounts(t *testing.T) {
	w := requesttest.New(t, "")
	for _, c := range []struct {
		params url.Values
		want   time.Duration
	}{{asks("web"), request.AnyAge}, {asks("narrow"), 10 * time.Minute}, {asks("narrow", "max_age", "5"), 5 * time.Second}} {
		if r, err := w.Parser.Read(t.Context(), c.params); err != nil || r.MaxAge != c.want {
			t.Errorf("got %v %v, want %v", r.MaxAge, err, c.want)
		}
	}
	r, err := w.Parser.Read(t.Context(), asks("all", "response_type", "id_token", "scope", "openid offline_access"))
	if err != nil || r.Scope != "openid" {
		t.Errorf("offline_access where there is no code: %q %v", r.Scope, err)
	}
}

func TestRFC9126Section5PushingCanBeRequired(t *testing.T) {
	run(t, requesttest.New(t, ""), []row{
		{"of one client", asks("pushes"), tells("invalid_request")},
		{"of no other", asks("web"), good},
	})
	run(t, requesttest.New(t, "\noauth: {require_pushed: true}\n"), []row{
		{"of all", asks("web"), tells("invalid_request")},
	})
}

func TestWhatPrecedesTheQueryOfARedirectURIStays(t *testing.T) {
	values := url.Values{"code": {"a b"}}
	for uri, want := range map[string]string{
		"https://a.example/cb":      "https://a.example/cb?code=a+b",
		"https://a.example/cb?":     "https://a.example/cb?code=a+b",
		"https://a.example/cb?x=1":  "https://a.example/cb?x=1&code=a+b",
		"https://a.example/cb?x=1&": "https://a.example/cb?x=1&code=a+b",
		"com.example.app:/cb":       "com.example.app:/cb?code=a+b",
	} {
		if got := (request.Reply{RedirectURI: uri, Mode: request.Query}).Location(values); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := (request.Reply{RedirectURI: uri, Mode: request.Fragment}).Location(values); got != uri+"#code=a+b" {
			t.Errorf("got %s", got)
		}
	}
}

// broken is a registry that is out of order.
type broken struct{ request.Clients }

func (broken) Find(context.Context, string) (*client.Client, error) {
	return nil, errors.New("no disk")
}

func TestAFailureOfOursIsNotTheClients(t *testing.T) {
	p := request.New(request.Options{Clients: broken{}})
	_, err := p.Read(t.Context(), asks("web"))
	var e *wire.Error
	if err == nil || errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

// Whoever makes a client with a metadata document is told that it is the
// document, and not that nobody knows the client.
func TestAClientHearsThatItsDocumentIsNotGood(t *testing.T) {
	w := requesttest.New(t, "client_documents: [app.example.com]\n")
	w.Put("https://app.example.com/bad", `{"client_id":"https://app.example.com/other"}`)
	for id, want := range map[string]string{
		"https://app.example.com/none":   "metadata document",
		"https://app.example.com/bad":    "metadata document",
		"https://other.example.com/none": "metadata document",
		"nobody":                         "no such client",
	} {
		_, err := w.Parser.Read(t.Context(), asks(id))
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != wire.CodeInvalidClient || !strings.Contains(e.Description, want) {
			t.Errorf("%s: %v", id, err)
		}
	}
}
