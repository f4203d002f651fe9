//go:build crash

package prove

import (
	"context"
	"crypto/hmac"
	crypto "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"signet/prove/issuer"
	"signet/prove/ledger"
	"signet/resource/dpop/dpoptest"
)

// hand is a person with a browser, and the clients beside them, who make things
// that work once, use them, and try again what is spent.
type hand struct {
	name, url string
	rp, mac   relyingParty
	key       dpoptest.Key
	rand      *rand.Rand
	browser   *issuer.Browser
	client    *issuer.Client
	ready     bool   // signed in
	now       *thing // what is not surely spent
	spent     []thing
}

// thing is one of a kind, as it is presented.
type thing struct {
	ledger.Once
	*kind
	text string
	made time.Time
}

// kind is what all things of one name have in common.
type kind struct {
	name string
	good time.Duration // how long one surely is
	make func(*hand, context.Context) (text string, err error)
	use  func(*hand, context.Context, string) (ledger.Reply, string)
}

var kinds = []kind{
	{"pushed request", 5 * time.Minute, (*hand).push, (*hand).come},
	{"device code", 5 * time.Minute, (*hand).device, (*hand).poll},
	{"client assertion", 5 * time.Minute, (*hand).assert, (*hand).authenticate},
	{"DPoP proof", 30 * time.Second, (*hand).prove, (*hand).bind},
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// What works once works once, though the issuer is killed on the way: the use
// that was acknowledged is remembered, and what was acknowledged as made works.
func TestKillWhileThingsAreUsedOnce(t *testing.T) {
	t.Parallel()
	r := random(t)
	home := newHome(t, issuer.Settings{"tokens.pushed_ttl": "10m", "throttle.request_burst": "100000", "oauth.dpop_nonces": "false"})
	rp := addClient(t, home, "rp", "--first-party", "--redirect-uri", callback, "--grant-type", "authorization_code",
		"--grant-type", "refresh_token", "--grant-type", "client_credentials", "--grant-type", deviceGrant)
	mac := addClient(t, home, "mac", "--auth-method", "client_secret_jwt", "--grant-type", "client_credentials")
	var hands []*hand
	for i := range 8 {
		hands = append(hands, &hand{name: fmt.Sprint("hand", i), url: home.URL, rp: rp, mac: mac, key: dpoptest.NewKey(t, "ES256"),
			rand: rand.New(rand.NewPCG(r.Uint64(), uint64(i))), browser: issuer.NewBrowser(home.URL), client: issuer.NewClient(home.URL)})
	}
	var acknowledged, unanswered int64
	kills := max(*rounds/4, 1)
	for round := range kills {
		p, err := home.Start()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		all(t, hands, (*hand).audit)
		if !t.Failed() {
			o := visit(t, hands, 1+r.Int64N(150), p.Kill)
			acknowledged += o.acknowledged.Load()
			unanswered += o.unanswered.Load()
		}
		p.Kill()
		if err := sound(t.Context(), filepath.Join(home.State, "signet.db")); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("round %d; the issuer's log:\n%.4000s", round, p.Log())
			return
		}
	}
	start(t, home)
	all(t, hands, (*hand).audit)
	used := map[string]int{}
	for _, h := range hands {
		for _, s := range h.spent {
			used[s.name]++
		}
	}
	t.Logf("%d kills: %d acknowledgements, %d requests without an answer; spent at the end: %v", kills, acknowledged, unanswered, used)
	if unanswered == 0 || len(used) < len(kinds) && kills > 5 {
		t.Error("no kill hit a request, or something was never used: this proved nothing")
	}
}

func (h *hand) close() { h.browser.Close(); h.client.Close() }

func (h *hand) email() string { return h.name + "@example.com" }

// step does what comes next, or, now and then, tries a spent thing.
func (h *hand) step(ctx context.Context) (answered bool, err error) {
	switch {
	case !h.ready:
		return h.enter(ctx), nil
	case h.now != nil && time.Since(h.now.made) > h.now.good:
		h.now = nil
		return true, nil
	case len(h.spent) > 0 && h.rand.IntN(3) == 0:
		return h.present(ctx, &h.spent[h.rand.IntN(len(h.spent))])
	case h.now == nil:
		k := &kinds[h.rand.IntN(len(kinds))]
		text, err := k.make(h, ctx)
		if text != "" {
			h.now = &thing{kind: k, text: text, made: time.Now()}
		}
		return text != "", err
	}
	if answered, err = h.present(ctx, h.now); h.now.Spent() {
		h.spent = append(h.spent[max(0, len(h.spent)-10):], *h.now)
		h.now = nil
	}
	return answered, err
}

// enter makes the person and signs them in, one after the other.
func (h *hand) enter(ctx context.Context) (answered bool) {
	if a := h.client.Register(ctx, h.email(), longPass); a.Result == issuer.Unknown {
		return false
	}
	reply, _ := signIn(ctx, h.browser, h.email())
	h.ready = reply == ledger.Yes
	return h.ready
}

func (h *hand) present(ctx context.Context, one *thing) (answered bool, err error) {
	reply, note := one.use(h, ctx, one.text)
	if err := one.Use(reply); err != nil {
		return true, fmt.Errorf("%s: a %s: %w (%s)", h.name, one.name, err, note)
	}
	return reply != ledger.Silence, nil
}

// audit tries all that is spent, and what is not.
func (h *hand) audit(ctx context.Context) error {
	things := []*thing{}
	for i := range h.spent {
		things = append(things, &h.spent[i])
	}
	if h.now != nil && time.Since(h.now.made) < h.now.good {
		things = append(things, h.now)
	}
	for _, one := range things {
		answered, err := h.present(ctx, one)
		if err == nil && !answered {
			err = fmt.Errorf("%s: the issuer runs, and gave no answer to a %s", h.name, one.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// told is what an answer says of a thing, which is spent where the error is one
// of the codes.
func told(a issuer.Answer, codes ...string) (ledger.Reply, string) {
	switch {
	case a.Result == issuer.Done:
		return ledger.Yes, ""
	case a.Result == issuer.Unknown:
		return ledger.Silence, a.String()
	case slices.Contains(codes, a.Code):
		return ledger.Invalid, a.String()
	}
	return ledger.Reply("something else: " + a.String()), ""
}

// made reads a member of an answer, or nothing where there is no answer.
func made(a issuer.Answer, member string) (text string, err error) {
	if a.Result == issuer.Unknown {
		return "", nil
	}
	values := map[string]any{}
	if err := json.Unmarshal(a.Body, &values); a.Result != issuer.Done || err != nil {
		return "", fmt.Errorf("%s: %s", a, a.Body)
	}
	text, _ = values[member].(string)
	return text, nil
}

func (h *hand) push(ctx context.Context) (string, error) {
	return made(h.client.PostForm(ctx, "/oauth2/par", h.rp.id, h.rp.secret, url.Values{"response_type": {"code"}, "client_id": {h.rp.id},
		"redirect_uri": {callback}, "scope": {"openid"}}), "request_uri")
}

// come brings the browser along with a pushed request.
func (h *hand) come(ctx context.Context, uri string) (ledger.Reply, string) {
	a := h.browser.Walk(ctx, "/oauth2/authorize?"+url.Values{"client_id": {h.rp.id}, "request_uri": {uri}}.Encode(),
		func(string, []issuer.Form) *issuer.Form { return nil })
	switch {
	case a.To != nil && a.To.Query().Get("code") != "":
		return ledger.Yes, ""
	case a.To == nil && a.Status == http.StatusBadRequest:
		return ledger.Invalid, ""
	case a.To != nil:
		return ledger.Reply("something else: " + a.To.String()), ""
	}
	return silence(a)
}

// device asks for a code, sees that it waits, and has the person allow it.
func (h *hand) device(ctx context.Context) (string, error) {
	a := h.client.PostForm(ctx, "/oauth2/device_authorization", h.rp.id, h.rp.secret, url.Values{"scope": {"openid"}})
	code, err := made(a, "device_code")
	if code == "" || err != nil {
		return "", err
	}
	shown, err := made(a, "user_code")
	if err != nil {
		return "", err
	}
	switch waits := h.token(ctx, url.Values{"grant_type": {deviceGrant}, "device_code": {code}}); {
	case waits.Result == issuer.Unknown:
		return "", nil
	case waits.Code != "authorization_pending":
		return "", fmt.Errorf("%s: a device that waits hears %s", h.name, waits)
	}
	sent := false
	done := h.browser.Walk(ctx, "/device?"+url.Values{"user_code": {shown}}.Encode(), func(page string, forms []issuer.Form) *issuer.Form {
		if sent || page != "/device" {
			return nil
		}
		sent = true
		f := forms[len(forms)-1]
		f.Values.Set("action", "go")
		return &f
	})
	if done.Status == http.StatusOK && sent {
		return code, nil
	}
	if reply, note := silence(done); reply != ledger.Silence {
		return "", fmt.Errorf("%s: the page of the device: %s %s", h.name, reply, note)
	}
	return "", nil
}

func (h *hand) token(ctx context.Context, form url.Values, headers ...string) issuer.Answer {
	return h.client.PostForm(ctx, "/oauth2/token", h.rp.id, h.rp.secret, form, headers...)
}

func (h *hand) poll(ctx context.Context, code string) (ledger.Reply, string) {
	return told(h.token(ctx, url.Values{"grant_type": {deviceGrant}, "device_code": {code}}), "invalid_grant")
}

// assert makes an assertion with the client's secret (RFC 7523, section 3).
func (h *hand) assert(context.Context) (string, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{"iss": h.mac.id, "sub": h.mac.id, "aud": h.url, "jti": crypto.Text(), "exp": time.Now().Add(30 * time.Minute).Unix()})
	input := b64([]byte(`{"alg":"HS256"}`)) + "." + b64(claims)
	mac := hmac.New(sha256.New, []byte(h.mac.secret))
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil)), err
}

func (h *hand) authenticate(ctx context.Context, assertion string) (ledger.Reply, string) {
	return told(h.client.PostForm(ctx, "/oauth2/revoke", "", "", url.Values{"token": {"none"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}), "invalid_client")
}

func (h *hand) prove(context.Context) (string, error) {
	return h.key.Proof(http.MethodPost, h.url+"/oauth2/token", time.Now()), nil
}

func (h *hand) bind(ctx context.Context, proof string) (ledger.Reply, string) {
	return told(h.token(ctx, url.Values{"grant_type": {"client_credentials"}}, "DPoP", proof), "invalid_dpop_proof")
}
