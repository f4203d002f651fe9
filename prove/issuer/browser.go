package issuer

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Browser is a browser without scripts: it keeps cookies and follows what the
// issuer's pages say, as long as it leads to the issuer. It never repeats a
// request by itself.
type Browser struct {
	URL  string
	http *http.Client
}

// NewBrowser has no cookies yet.
func NewBrowser(url string) *Browser {
	jar, _ := cookiejar.New(nil) // it fails for no options
	return &Browser{URL: url, http: &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close lets the connections go; the cookies stay.
func (b *Browser) Close() { b.http.CloseIdleConnections() }

// Cookies is the Cookie header that the issuer gets.
func (b *Browser) Cookies() string {
	at, err := url.Parse(b.URL)
	if err != nil {
		return ""
	}
	var all []string
	for _, c := range b.http.Jar.Cookies(at) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// Arrival is where a walk ended: on a page of the issuer, or, with To, where the
// issuer sent the browser. Without either (Status 0) there was no answer to the
// last request.
type Arrival struct {
	Page   string // the path of the last page
	Status int
	To     *url.URL // elsewhere
	Steps  int      // requests that were answered
	Err    error
}

// Form is a form of a page, with its hidden fields, and what its buttons would
// add to them.
type Form struct {
	Action  *url.URL
	Values  url.Values
	Buttons url.Values
}

// Walk gets the path, and goes on from page to page. choose completes one of the
// forms of a page and returns it, or nil to stay there.
func (b *Browser) Walk(ctx context.Context, path string, choose func(page string, forms []Form) *Form) Arrival {
	const most = 20
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+path, nil)
	a := Arrival{Err: err}
	for a.Err == nil && a.Steps < most {
		var body string
		var next *url.URL
		if next, body = b.step(request, &a); a.Err != nil {
			break
		}
		switch {
		case next != nil && next.Scheme+"://"+next.Host != b.URL:
			a.To = next
			return a
		case next != nil:
			request, a.Err = http.NewRequestWithContext(ctx, http.MethodGet, next.String(), nil)
		default:
			var form *Form
			if forms := formsOf(request.URL, body); a.Status == http.StatusOK && len(forms) > 0 {
				form = choose(a.Page, forms)
			}
			if form == nil {
				return a
			}
			request, a.Err = http.NewRequestWithContext(ctx, http.MethodPost, form.Action.String(), strings.NewReader(form.Values.Encode()))
			if a.Err == nil {
				request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				request.Header.Set("Origin", b.URL)
			}
		}
	}
	a.Status = 0
	return a
}

// step sends one request. next is where the answer leads, or nil for a page.
func (b *Browser) step(request *http.Request, a *Arrival) (next *url.URL, body string) {
	answer, err := b.http.Do(request)
	if err != nil {
		a.Err = err
		return nil, ""
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		a.Err = err
		return nil, ""
	}
	a.Steps++
	a.Page, a.Status = request.URL.Path, answer.StatusCode
	if location := answer.Header.Get("Location"); location != "" && answer.StatusCode/100 == 3 {
		next, a.Err = request.URL.Parse(location)
	}
	return next, string(raw)
}

var (
	formTag   = regexp.MustCompile(`(?s)<form [^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	hiddenTag = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	buttonTag = regexp.MustCompile(`<button [^>]*name="([^"]*)" value="([^"]*)"`)
)

func formsOf(page *url.URL, body string) (forms []Form) {
	for _, tag := range formTag.FindAllStringSubmatch(body, -1) {
		action, err := page.Parse(html.UnescapeString(tag[1]))
		if err != nil {
			continue
		}
		forms = append(forms, Form{action, pairsOf(hiddenTag, tag[2]), pairsOf(buttonTag, tag[2])})
	}
	return forms
}

func pairsOf(tag *regexp.Regexp, text string) url.Values {
	pairs := url.Values{}
	for _, pair := range tag.FindAllStringSubmatch(text, -1) {
		pairs.Add(html.UnescapeString(pair[1]), html.UnescapeString(pair[2]))
	}
	return pairs
}

// PostForm posts a form as a client does, with its secret in the Authorization
// header; an empty id sends none. headers are pairs.
func (c *Client) PostForm(ctx context.Context, path, id, secret string, form url.Values, headers ...string) Answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{Err: err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	return c.send(request)
}

// Ask sends a request without a body; access may be empty.
func (c *Client) Ask(ctx context.Context, method, path, access string) Answer {
	return c.do(ctx, method, path, access, nil)
}
