package interact

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
)

// device stores a request of a device under the user code, and gives its hash.
func (w *world) device(code, scope string) data.Hash { return w.deviceOf("notes", code, scope) }

func (w *world) deviceOf(client, code, scope string) data.Hash {
	w.t.Helper()
	_, hash, err := w.store.NewSecret("signet_dc_")
	must(w.t, err)
	until := w.clock().Add(10 * time.Minute)
	must(w.t, w.store.Devices.Create(context.Background(), data.Device{Hash: hash, UserCode: data.HashOfUserCode(code), Client: client,
		Scope: scope, Audience: []string{"api"}, Interval: 5, CreatedAt: w.clock(), ExpiresAt: until}))
	must(w.t, w.store.UserCodes.Create(context.Background(), data.UserCode{Hash: data.HashOfUserCode(code), Device: hash, ExpiresAt: until}))
	return hash
}

func (w *world) decided(h data.Hash) data.Device {
	w.t.Helper()
	d, err := w.store.Devices.Get(w.t.Context(), h)
	must(w.t, err)
	return d
}

func TestAPersonLetsADeviceIn(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada@example.com")
	h := w.device("BCDF-GHJK", "openid offline_access unknown")
	b := w.browser()
	b.open("/auth/device").sees("/device", 200, "Connect a device")
	b.submit("/device", "user_code", "bcdf ghjk").sees("/sign-in", 200)
	b.submit("/sign-in", "email", "ada@example.com", "password", password)
	b.sees("/device", 200, "Let Tidy Notes sign in on your device?", "BCDF-GHJK", "ada@example.com", "Recognise you", "Keep this access", "in front of you")
	if d := w.decided(h); d.Decision != data.Undecided {
		t.Fatalf("looking decided: %+v", d)
	}
	b.submit("/device", "action", "go").sees("/device", 200, "You’re all set", "Tidy Notes")
	d := w.decided(h)
	a := d.Authorization
	if d.Decision != data.Allowed || a.User != ada.ID || a.Client != "notes" || a.Epoch != ada.Epoch || a.Scope != "openid offline_access" || !a.Offline ||
		len(a.Audience) != 1 || !a.AuthTime.Equal(w.clock()) || len(a.AMR) != 1 || a.ACR != "1" || a.Account != "" {
		t.Errorf("decided %+v", d)
	}
	b.open("/auth/device?user_code=BCDF-GHJK").sees("/device", 422, "not valid any more")
}

func TestTheCompleteAddressAsksAsWell(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	h := w.device("BCDF-GHJK", "")
	b := w.browser().signIn("ada@example.com")
	b.open("/auth/device?user_code=BCDF-GHJK").sees("/device", 200, "Let Tidy Notes sign in", "BCDF-GHJK")
	if d := w.decided(h); d.Decision != data.Undecided {
		t.Errorf("decided %+v", d)
	}
	b.submit("/device", "action", "cancel").sees("/device", 200, "Nothing was connected")
	if d := w.decided(h); d.Decision != data.Denied || d.Authorization.User != "" {
		t.Errorf("decided %+v", d)
	}
}

func TestAnotherAccountLetsTheDeviceIn(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada@example.com")
	w.person("grace@example.com")
	h := w.device("BCDF-GHJK", "openid")
	b := w.browser().signIn("ada@example.com").signIn("grace@example.com")
	b.open("/auth/device?user_code=BCDF-GHJK").sees("/device", 200, "grace@example.com")
	b.open("/auth/accounts?user_code=BCDF-GHJK").submit("/accounts", "account", b.forms()[0].buttons[1].value).sees("/device", 200, "ada@example.com")
	b.submit("/device", "action", "go").sees("/device", 200, "all set")
	if d := w.decided(h); d.Authorization.User != ada.ID {
		t.Errorf("decided %+v", d)
	}
}

func TestACodeThatIsNoneSaysSo(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	w.device("BCDF-GHJK", "")
	b := w.browser().signIn("ada@example.com")
	b.open("/auth/device").submit("/device", "user_code", "").sees("/device", 422, "Enter the code")
	b.submit("/device", "user_code", "BCDF-GHJL").sees("/device", 422, "not valid any more")
	if got := b.forms()[0].fields["user_code"]; len(got) != 1 || got[0] != "BCDF-GHJL" {
		t.Errorf("the form holds %q", got)
	}
	w.wait(11 * time.Minute)
	b.submit("/device", "user_code", "BCDF-GHJK").sees("/device", 422, "not valid any more")
}

func TestCodesAreNotFoundByTrying(t *testing.T) {
	w := newWorld(t, "throttle: {free: 2, delay: 20s, account_delay_max: 20s}")
	w.person("ada@example.com")
	w.device("BCDF-GHJK", "")
	b := w.browser().signIn("ada@example.com").open("/auth/device")
	for range 2 {
		b.submit("/device", "user_code", "XXXX-XXXX").sees("/device", 422)
	}
	b.submit("/device", "user_code", "BCDF-GHJK").sees("/device", 429, "Please wait 20 seconds")
	b.open("/auth/device?user_code=BCDF-GHJK").sees("/device", 429)
	w.wait(20 * time.Second)
	b.submit("/device", "user_code", "BCDF-GHJK").sees("/device", 200, "Let Tidy Notes sign in")
}

// A stranger is told nothing of a code, right or wrong.
func TestACodeIsNotLookedAtBeforeTheSignIn(t *testing.T) {
	w := newWorld(t)
	w.device("BCDF-GHJK", "")
	for _, code := range []string{"BCDF-GHJK", "XXXX-XXXX"} {
		w.browser().open("/auth/device").submit("/device", "user_code", code).sees("/sign-in", 200)
		w.browser().open("/auth/device?user_code="+code).sees("/sign-in", 200)
	}
}

func TestADeviceIsDecidedOnOnce(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	h := w.device("BCDF-GHJK", "")
	notes, err := w.api.Clients.Find(t.Context(), "notes")
	must(t, err)
	found, ada := w.decided(h), session.Account{Person: w.byEmail("ada@example.com")}
	const all = 20
	var start, done sync.WaitGroup
	start.Add(1)
	answers := make([]*httptest.ResponseRecorder, all)
	for i := range all {
		form, err := wire.NewForm(url.Values{"action": {[]string{"go", "cancel"}[i%2]}, "user_code": {"BCDF-GHJK"}})
		must(t, err)
		answers[i] = httptest.NewRecorder()
		v := &visit{API: w.api, form: form, c: w.echo.NewContext(httptest.NewRequest("POST", issuer+"/device", nil), answers[i])}
		done.Go(func() { // each has looked at the device before any decides
			start.Wait()
			if err := v.decide(found, notes, ada); err != nil {
				t.Error(err)
			}
		})
	}
	start.Done()
	done.Wait()
	won := 0
	for _, a := range answers {
		if a.Code == 200 {
			won++
		}
	}
	if d := w.decided(h); won != 1 || d.Decision == data.Undecided {
		t.Errorf("%d decided; it is %+v", won, d)
	}
}

func TestRightCodesAreNotCounted(t *testing.T) {
	w := newWorld(t, "throttle: {free: 2, delay: 20s, account_delay_max: 20s}")
	w.person("ada@example.com")
	w.device("BCDF-GHJK", "")
	b := w.browser().signIn("ada@example.com")
	for range 5 {
		b.open("/auth/device?user_code=BCDF-GHJK").sees("/device", 200)
	}
}

// What a client that registered itself says of its redirect URIs may be
// anybody's address, and no device answers there.
func TestADeviceIsNotShownAtAnAddressThatItOnlyClaims(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	must(t, w.store.CreateClient(context.Background(), data.Client{ID: "c-stranger", Registered: true, ExpiresAt: w.clock().Add(time.Hour),
		Metadata: data.Metadata{Name: "Your Bank", RedirectURIs: []string{"https://bank.example/cb"},
			GrantTypes: []string{wire.GrantAuthorizationCode, wire.GrantDeviceCode}}}, 0))
	w.deviceOf("c-stranger", "BCDF-GHJK", "openid")
	b := w.browser().signIn("ada@example.com")
	b.open("/auth/device?user_code=BCDF-GHJK").sees("/device", 200, "This application is at c-stranger")
	if strings.Contains(b.text(), "bank.example") {
		t.Errorf("it says %s", b.text())
	}
}
