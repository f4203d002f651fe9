package main

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// userAgent is a person with a browser: cookies, forms, and links that are
// followed as long as they lead to the issuer.
type userAgent struct {
	t      testing.TB
	p      *provider
	client *http.Client
	email  string // whom it signs in as
	deny   bool   // says no where it is asked
}

func (p *provider) browser(t testing.TB) *userAgent {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &userAgent{t: t, p: p, client: &http.Client{Transport: p.dialer, Jar: jar, CheckRedirect: stay}, email: personMail}
}

// signedIn is a browser that signed in to the issuer, and to no client.
func (p *provider) signedIn(t testing.TB) *userAgent {
	t.Helper()
	b := p.browser(t)
	b.work(b.get(p.url + "/sign-in"))
	return b
}

// view is what the browser shows, or where it was sent.
type view struct {
	url    *url.URL
	status int
	header http.Header
	body   string
}

// to is where the answer leads, or nil.
func (v view) to() *url.URL {
	location := v.header.Get("Location")
	if location == "" || v.status < 300 || v.status > 399 {
		return nil
	}
	to, err := v.url.Parse(location)
	if err != nil {
		return nil
	}
	return to
}

func (b *userAgent) get(target string) view {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(r)
}

func (b *userAgent) post(target string, form url.Values) view {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.p.origin)
	return b.send(r)
}

// postFrom posts as a page of another site does: no cookie of ours goes along.
func (b *userAgent) postFrom(site, target string, form url.Values) view {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", site)
	jar := b.client.Jar
	b.client.Jar = nil
	v := b.send(r)
	b.client.Jar = jar
	jar.SetCookies(r.URL, (&http.Response{Header: v.header}).Cookies())
	return v
}

func (b *userAgent) send(r *http.Request) view {
	b.t.Helper()
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return view{r.URL, response.StatusCode, response.Header, string(body)}
}

// arrival is where a request ended: at the client, or on a page that there is
// nothing to do on.
type arrival struct {
	view
	t      testing.TB
	pages  []string   // the paths of the pages that were shown
	client *url.URL   // where the client was told, or nil
	mode   string     // query, fragment or form_post
	values url.Values // and what
}

// work does what the pages ask for, until there is no more to do.
func (b *userAgent) work(v view) arrival {
	b.t.Helper()
	a := arrival{t: b.t}
	for range 20 {
		a.view = v
		if to := v.to(); to != nil {
			if v.status != http.StatusSeeOther { // RFC 9700, section 4.12
				b.t.Fatalf("%s leads on with %d", v.url.Path, v.status)
			}
			if to.Scheme+"://"+to.Host != b.p.origin {
				return a.arrive(to)
			}
			v = b.get(to.String())
			continue
		}
		page := strings.TrimPrefix(b.p.origin+v.url.Path, b.p.url)
		a.pages = append(a.pages, page)
		f, found := formOf(v)
		if !found || v.status != http.StatusOK {
			return a
		}
		if f.action.Scheme+"://"+f.action.Host != b.p.origin {
			a.client, a.mode, a.values = f.action, "form_post", f.values
			return a
		}
		switch page {
		case "/sign-in":
			f.values.Set("email", b.email)
			f.values.Set("password", password)
			f.values.Set("action", "go")
		case "/consent", "/oauth2/logout":
			f.values.Set("action", "go")
			if b.deny {
				f.values.Set("action", "cancel")
			}
		case "/accounts":
			f.values.Set("account", accountOf(v, b.email))
		default:
			return a
		}
		v = b.post(f.action.String(), f.values)
	}
	b.t.Fatalf("the pages go round in a circle: %v", a.pages)
	return a
}

func (a arrival) arrive(to *url.URL) arrival {
	a.t.Helper()
	a.client, a.mode, a.values = to, "query", to.Query()
	if raw := a.view.header.Get("Location"); strings.Contains(raw, "#") {
		_, fragment, _ := strings.Cut(raw, "#")
		values, err := url.ParseQuery(fragment)
		if err != nil {
			a.t.Fatal(err)
		}
		a.mode, a.values = "fragment", values
	}
	return a
}

// saw tells whether the page was shown.
func (a arrival) saw(path string) bool { return slices.Contains(a.pages, path) }

// told fails unless the client was told of the error, as every error is told:
// with its state, by this issuer, and with nothing beside it.
func (a arrival) told(code string) arrival {
	a.t.Helper()
	if a.client == nil || a.values.Get("error") != code {
		a.t.Fatalf("got %d %v %v at %v, want the client to be told %s", a.status, a.client, a.values, a.url, code)
	}
	for name := range a.values {
		if !slices.Contains([]string{"error", "error_description", "error_uri", "state", "iss"}, name) {
			a.t.Errorf("there is %s beside an error", name)
		}
	}
	return a
}

// shown fails unless the error was shown to the person, and told to nobody.
func (a arrival) shown() arrival {
	a.t.Helper()
	if a.client != nil || a.status < 400 || a.status > 499 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		a.t.Fatalf("got %d %v %v, want a page with an error", a.status, a.client, a.values)
	}
	return a
}

// form is a form of a page, with what a browser would send of it anyhow.
type form struct {
	action *url.URL
	values url.Values
}

var (
	formTag  = regexp.MustCompile(`(?s)<form [^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	inputTag = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	personIn = regexp.MustCompile(`(?s)<button class="row" name="account" value="([^"]*)">(.*?)</button>`)
)

// formOf is the last form of a page: the first may be a language or a sign-out.
func formOf(v view) (form, bool) {
	all := formTag.FindAllStringSubmatch(v.body, -1)
	if len(all) == 0 {
		return form{}, false
	}
	last := all[len(all)-1]
	action, err := v.url.Parse(html.UnescapeString(last[1]))
	if err != nil {
		return form{}, false
	}
	f := form{action, url.Values{}}
	for _, input := range inputTag.FindAllStringSubmatch(last[2], -1) {
		f.values.Add(html.UnescapeString(input[1]), html.UnescapeString(input[2]))
	}
	return f, true
}

func accountOf(v view, email string) string {
	for _, person := range personIn.FindAllStringSubmatch(v.body, -1) {
		if strings.Contains(person[2], email) {
			return html.UnescapeString(person[1])
		}
	}
	return ""
}
