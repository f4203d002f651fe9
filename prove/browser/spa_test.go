//go:build browser

package browser_test

import (
	"slices"
	"testing"

	"signet/prove/chrome"
)

func TestASinglePageApplicationSignsInByItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startAPI()
	h.startSPA()
	b := h.newProfile()
	b.Open(h.spa)
	b.Click("#sign-in")
	b.page("/sign-in")
	b.Click(cancel)
	b.At(h.spa)
	b.Reads("#notice", "You did not let this application in.")
	b.Click("#sign-in")
	b.join(ada)
	b.At(h.spa)
	b.Reads("#who", ada.name)
	if url := b.URL(); url != h.spa+"/" {
		t.Errorf("the answer stays in the address: %s", url)
	}

	b.Fill("#text", "my first post\r")
	b.Reads("#posts li", "my first post")
	b.Click("#refresh")
	b.Reads("#notice", "The tokens are new.")

	// A reload asks the issuer, and shows no page of it.
	b.Traffic.Forget()
	b.Open(h.spa)
	b.Reads("#who", ada.name)
	b.Reads("#posts li", "my first post")
	if pages := b.visited(); len(pages) != 0 {
		t.Errorf("a reload shows %q", pages)
	}
	if !slices.Contains(b.Traffic.List(), "POST /oauth2/token 200") {
		t.Errorf("sent %q", b.Traffic.List())
	}
	for _, store := range []string{"localStorage", "sessionStorage"} {
		if kept := chrome.Eval[string](b.Tab, `JSON.stringify(`+store+`)`); kept != `{}` && kept != `{"signed-in":"yes"}` {
			t.Errorf("%s holds %s", store, kept)
		}
	}

	b.Click("#sign-out")
	b.At(h.spa)
	b.Reads("h1", signedOut)
	b.Click("#sign-in")
	b.page("/sign-in")
}

func TestAnotherOriginGetsNoTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b := h.newProfile()
	b.welcome(h.main, ada)
	// The pages' own policy lets nobody fetch: look from an empty one.
	b.Open("about:blank")
	for _, path := range []string{"/account", "/oauth2/authorize"} {
		if got := chrome.Eval[string](b.Tab, `fetch('`+h.issuer+path+`', {credentials: 'include'}).then((r) => r.text(), () => 'refused')`); got != "refused" {
			t.Errorf("%s can be read: %s", path, got)
		}
	}
	b.Traffic.TakeComplaints()
}
