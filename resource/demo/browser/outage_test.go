//go:build browser

package browser_test

import "testing"

func TestThePageOutlivesItsIssuer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.newProfile()
	ada := b.register("ada")
	b.outlive()
	h.stopIssuer()

	b.fill("#post-text", "kept until it can be sent")
	b.click("#post-form [type=submit]")
	b.reads("#post-form .message", "cannot be reached")
	if text := eval[string](b, `document.getElementById('post-text').value`); text != "kept until it can be sent" {
		t.Errorf("the text is now %q", text)
	}
	b.click("#log-out")
	b.reads("#notice", "You are still signed in")
	stranger := h.newProfile()
	stranger.open("away")
	stranger.reads("#away-why", h.issuer+" cannot be reached")

	h.startIssuer()
	b.click("#post-form [type=submit]")
	b.reads("#posts li p", "kept until it can be sent")
	b.reads("#who", ada.email)
	stranger.sees("log-in") // by itself
}

func TestAPageThatTheIssuerDoesNotKnowSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "SIGNET_BROWSER_ORIGINS=http://localhost:1")
	b := h.newProfile()
	b.open("away")
	b.reads("#away-what", "not let in")
	b.reads("#away-why", "lets nobody sign in from "+h.demo)
	b.reads("#away-try", "SIGNET_BROWSER_ORIGINS="+h.demo)
	b.traffic.takeComplaints() // the browser's own words on what it refused
}
