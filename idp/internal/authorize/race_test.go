package authorize

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"signet/data"
)

const many = 100

// rush sends the same request from copies of a browser, all at once, and
// returns how many got what the client would get.
func rush(b *browser, target string) (codes []string, others []answer) {
	var mu sync.Mutex
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for range many {
		tab := b.copy()
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-begin
			a := tab.get(target)
			mu.Lock()
			defer mu.Unlock()
			if code := a.client.Get("code"); code != "" {
				codes = append(codes, code)
			} else {
				others = append(others, a)
			}
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
	return codes, others
}

func oneCode(t *testing.T, codes []string, others []answer) {
	t.Helper()
	if len(codes) != 1 || len(others) != many-1 {
		t.Fatalf("%d codes", len(codes))
	}
	for _, a := range others {
		if a.status != 400 || a.to != nil || a.code != "invalid_request" && a.code != "invalid_request_uri" {
			t.Fatalf("another got %d %v %s", a.status, a.to, a.body)
		}
	}
}

func TestAHundredTabsThatGoOnGetOneCode(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.authorize(asks("web")).page("/sign-in")
	b.signInFor(handle, w.ann)
	b.goOn(handle).page("/consent")
	b.allow(handle, "openid posts")
	codes, others := rush(b, pathContinue+"?request="+handle)
	oneCode(t, codes, others)
}

func TestAPushedRequestShownAHundredTimesGivesOneCode(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	_, uri := w.push("web", asks("web"))
	codes, others := rush(b, "/oauth2/authorize?"+at("web", uri).Encode())
	oneCode(t, codes, others)
}

// Of a hundred browsers that were given the same link, one may go on with it.
func TestAPushedRequestBelongsToOneBrowser(t *testing.T) {
	w := newWorld(t)
	_, uri := w.push("web", asks("web"))
	target := "/oauth2/authorize?" + url.Values{"client_id": {"web"}, "request_uri": {uri}}.Encode()
	var mu sync.Mutex
	var done sync.WaitGroup
	begin := make(chan struct{})
	led := 0
	for range many {
		b := w.browser()
		done.Go(func() {
			<-begin
			if a := b.get(target); a.to != nil && a.to.Path == "/sign-in" {
				mu.Lock()
				led++
				mu.Unlock()
			}
		})
	}
	close(begin)
	done.Wait()
	if led != 1 {
		t.Errorf("%d browsers were led on", led)
	}
}

// The same, in the one order that the scheduler hardly ever finds: both read
// the request before either of them is bound to it.
func TestABindingThatCameFirstHolds(t *testing.T) {
	w := newWorld(t)
	_, uri := w.push("web", asks("web"))
	handle := strings.TrimPrefix(uri, "urn:ietf:params:oauth:request_uri:")
	before, err := w.Store.Requests.Get(t.Context(), data.HashOf(handle))
	w.must(err)
	r, err := w.Parser.Stored(t.Context(), before)
	w.must(err)
	w.browser().authorize(at("web", uri)).page("/sign-in")
	bound, err := w.Store.Requests.Get(t.Context(), data.HashOf(handle))
	w.must(err)
	late := w.echo.NewContext(httptest.NewRequest(http.MethodGet, "/oauth2/authorize", nil), httptest.NewRecorder())
	if err := w.api.send(late, r, visit{handle, before}, outcome{step: needSignIn}); err != errOtherBrowser {
		t.Errorf("got %v", err)
	}
	// Nor does it get an answer.
	if _, err := w.api.code(t.Context(), r, visit{handle, before}, data.Authorization{}); err != data.ErrNone {
		t.Errorf("got %v", err)
	}
	if after, err := w.Store.Requests.Get(t.Context(), data.HashOf(handle)); err != nil || after.Browser != bound.Browser {
		t.Errorf("it changed hands: %v", err)
	}
}

// One tab declines while another goes on: there is one answer, whichever.
func TestADecisionAndItsOppositeGiveOneAnswer(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		b := w.signedIn(w.ann)
		handle := b.authorize(asks("web", "prompt", "consent")).page("/consent")
		b.allow(handle, "openid posts")
		var done sync.WaitGroup
		var mu sync.Mutex
		var answers []string
		begin := make(chan struct{})
		for range 2 {
			tab := b.copy()
			done.Go(func() {
				<-begin
				a := tab.goOn(handle)
				mu.Lock()
				defer mu.Unlock()
				for _, name := range []string{"code", "error"} {
					if a.client.Get(name) != "" {
						answers = append(answers, name)
					}
				}
			})
		}
		done.Go(func() {
			<-begin
			_ = w.Store.Requests.Change(t.Context(), data.HashOf(handle), func(r *data.Request) data.Change {
				r.Declined = true
				return data.Save
			})
		})
		close(begin)
		done.Wait()
		if len(answers) > 1 {
			t.Fatalf("the client was told %v", answers)
		}
	}
}
