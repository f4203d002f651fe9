//go:build browser

package browser_test

import (
	"regexp"
	"strings"
	"testing"

	"signet/prove/child"
)

// code reads what the tool shows: where to go, what to type there, and where to
// go to type nothing.
func code(t *testing.T, tool *child.Process) (where, userCode, complete string) {
	t.Helper()
	said := tool.Says("compare the code")
	found := regexp.MustCompile(`Open (\S+) and type the code (\S+)\nor open (\S+) and`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("it said %s", said)
	}
	return found[1], found[2], found[3]
}

func TestADeviceIsLetInByItsCode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startAPI()
	tool := h.cli()
	where, userCode, _ := code(t, tool)
	if where != h.issuer+"/device" {
		t.Errorf("the device shows %s", where)
	}
	b := h.newProfile()
	b.Open(where)
	b.enterInto(`[name=user_code]`, "XXXX-XXXX")
	b.join(ada) // nobody else may try codes
	b.page("/device")
	b.Reads(alert, "not valid any more, or was mistyped")
	b.enterInto(`[name=user_code]`, strings.ToLower(userCode))
	b.Reads("h1", "Let Command line sign in on your device?")
	b.Reads("main", userCode)
	b.Reads("main", ada.email)
	b.press(goOn)
	b.Reads("h1", "You’re all set")
	said := tool.Ends()
	if !strings.Contains(said, "Signed in as "+ada.name) || !strings.Contains(said, `"client_id":"cli"`) {
		t.Errorf("the tool said %s", said)
	}

	// A code works once.
	b.Open(where)
	b.enterInto(`[name=user_code]`, userCode)
	b.Reads(alert, "not valid any more")
}

func TestADeviceIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	h.startAPI()
	b := h.newProfile()
	b.welcome(h.main, ada)
	tool := h.cli()
	_, userCode, complete := code(t, tool)
	b.Open(complete)
	b.Reads("h1", "Let Command line sign in")
	b.Reads("main", userCode)
	b.Reads("main", "Go on only if this code is on a device in front of you")
	b.press(cancel)
	b.Reads("h1", "Nothing was connected")
	if said := tool.Ends(); !strings.Contains(said, "you said no") {
		t.Errorf("the tool said %s", said)
	}
}

func TestAToolSignsInWithTheBrowserBesideIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startAPI()
	tool := h.cli("--browser")
	where := regexp.MustCompile(`http\S+/oauth2/authorize\S+`).FindString(tool.Says("/oauth2/authorize"))
	b := h.newProfile()
	b.Open(where)
	b.join(ada)
	b.page("/consent")
	b.Reads("h1", "Command line")
	b.press(goOn)
	b.Reads("body", "You can close this tab")
	said := tool.Ends()
	if !strings.Contains(said, "Signed in as "+ada.name) || !strings.Contains(said, `"client_id":"cli"`) {
		t.Errorf("the tool said %s", said)
	}

	// Who could be anybody on this machine is asked about every time.
	again := h.cli("--browser")
	b.Open(regexp.MustCompile(`http\S+/oauth2/authorize\S+`).FindString(again.Says("/oauth2/authorize")))
	b.page("/consent")
	b.press(cancel)
	if said := again.Ends(); !strings.Contains(said, "you said no") {
		t.Errorf("the tool said %s", said)
	}
}
