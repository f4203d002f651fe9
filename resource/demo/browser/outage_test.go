//go:build browser

package browser_test

import (
	"testing"

	"signet/prove/chrome"
)

func TestThePageOutlivesItsIssuer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.newProfile()
	ada := b.register("ada")
	b.outlive()
	h.stopIssuer()

	b.Fill("#post-text", "kept until it can be sent")
	b.Click("#post-form [type=submit]")
	b.Reads("#post-form .message", "cannot be reached")
	if text := chrome.Eval[string](b.Tab, `document.getElementById('post-text').value`); text != "kept until it can be sent" {
		t.Errorf("the text is now %q", text)
	}
	b.Click("#log-out")
	b.Reads("#notice", "You are still signed in")
	stranger := h.newProfile()
	stranger.open("away")
	stranger.Reads("#away-why", h.issuer+" cannot be reached")

	h.startIssuer()
	b.Click("#post-form [type=submit]")
	b.Reads("#posts li p", "kept until it can be sent")
	b.Reads("#who", ada.email)
	stranger.sees("log-in") // by itself
}

func TestAPageThatTheIssuerDoesNotKnowSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "SIGNET_BROWSER_ORIGINS=http://localhost:1")
	b := h.newProfile()
	b.open("away")
	b.Reads("#away-what", "not let in")
	b.Reads("#away-why", "lets nobody sign in from "+h.demo)
	b.Reads("#away-try", "SIGNET_BROWSER_ORIGINS="+h.demo)
	b.Traffic.TakeComplaints() // the browser's own words on what it refused
}
