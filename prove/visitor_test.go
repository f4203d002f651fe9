//go:build crash

package prove

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signet/prove/issuer"
	"signet/prove/ledger"
)

// relyingParty is the client that people sign in to, as the issuer knows it.
type relyingParty struct{ id, secret string }

const (
	callback = "https://rp.example/callback" // where no browser of ours goes
	longPass = "a password of a visitor"
)

// visitor is a person with a browser, and what the client has of them. They ask
// for one thing after the other.
type visitor struct {
	*ledger.Visit
	url     string
	rp      relyingParty
	rand    *rand.Rand
	email   string
	browser *issuer.Browser
	client  *issuer.Client

	registered          bool
	code                string
	refresh, id         string // tokens
	sid                 string
	clientURL, access   string          // of the client that registered itself
	unsure              bool            // a sign-out had no answer
	mayLeave, mustLeave map[string]bool // sids of sessions that were perhaps, and surely, signed out
}

func newVisitor(home issuer.Home, rp relyingParty, r *rand.Rand, name string) *visitor {
	return &visitor{Visit: ledger.NewVisit(name), url: home.URL, rp: rp, rand: r, email: name + "@example.com",
		browser: issuer.NewBrowser(home.URL), client: issuer.NewClient(home.URL),
		mayLeave: map[string]bool{}, mustLeave: map[string]bool{}}
}

func (v *visitor) close() { v.browser.Close(); v.client.Close() }

func isIn(s ledger.Standing) bool    { return s.SignedIn }
func allowed(s ledger.Standing) bool { return s.Allowed }

// step does one thing that makes sense, and tells whether there was an answer.
func (v *visitor) step(ctx context.Context) (answered bool, err error) {
	if !v.registered {
		answer := v.client.Register(ctx, v.email, longPass)
		v.registered = answer.Result == issuer.Done || answer.Status == http.StatusConflict // a first try had no answer
		return answer.Result != issuer.Unknown, nil
	}
	return v.do(ctx, v.choose())
}

func (v *visitor) choose() ledger.Step {
	var steps []ledger.Step
	add := func(is bool, step ...ledger.Step) {
		if is {
			steps = append(steps, step...)
		}
	}
	in := v.Perhaps(isIn)
	add(!in, ledger.SignIn, ledger.SignIn, ledger.Ask)
	add(in, ledger.Ask, ledger.Allow)
	add(in && v.Surely(allowed) && v.rand.IntN(4) == 0, ledger.Forbid)
	add(v.code != "", ledger.Redeem, ledger.Redeem)
	add(v.refresh != "", ledger.Turn, ledger.Turn, ledger.Turn)
	add(v.refresh != "" && v.rand.IntN(4) == 0, ledger.Revoke)
	add(v.id != "" && in && v.rand.IntN(3) == 0, ledger.SignOut)
	add(v.clientURL == "" && v.rand.IntN(4) == 0, ledger.Enrol)
	add(v.clientURL != "", ledger.Look)
	add(v.clientURL != "" && v.rand.IntN(4) == 0, ledger.Leave)
	return steps[v.rand.IntN(len(steps))]
}

// do asks for one thing and enters it in the ledger.
func (v *visitor) do(ctx context.Context, step ledger.Step) (answered bool, err error) {
	reply, note := map[ledger.Step]func(context.Context) (ledger.Reply, string){
		ledger.SignIn: v.signIn, ledger.Ask: v.ask, ledger.Allow: v.allow, ledger.Forbid: v.forbid, ledger.Redeem: v.redeem,
		ledger.Turn: v.turn, ledger.Revoke: v.revoke, ledger.SignOut: v.signOut,
		ledger.Home: v.home, ledger.Enrol: v.enrol, ledger.Look: v.look, ledger.Leave: v.leave,
	}[step](ctx)
	return reply != ledger.Silence, v.Add(step, reply, note)
}

func (v *visitor) signIn(ctx context.Context) (ledger.Reply, string) {
	v.id, v.sid = "", "" // of an earlier session
	return signIn(ctx, v.browser, v.email)
}

// signIn goes through the issuer's own page.
func signIn(ctx context.Context, b *issuer.Browser, email string) (ledger.Reply, string) {
	a := b.Walk(ctx, "/sign-in", func(page string, forms []issuer.Form) *issuer.Form {
		if page != "/sign-in" {
			return nil
		}
		f := forms[len(forms)-1]
		f.Values.Set("email", email)
		f.Values.Set("password", longPass)
		f.Values.Set("action", "go")
		return &f
	})
	if a.Status == http.StatusOK && a.Page == "/account" {
		return ledger.Yes, ""
	}
	return silence(a)
}

// silence is a walk that says nothing, or what no walk of ours may end with.
func silence(a issuer.Arrival) (ledger.Reply, string) {
	note := fmt.Sprintf("%d at %s, %v, %v", a.Status, a.Page, a.To, a.Err)
	if a.Status == 0 || a.Status >= 500 || a.Status == http.StatusTooManyRequests {
		return ledger.Silence, note
	}
	return ledger.Reply("something else: " + note), ""
}

func (v *visitor) authorize(ctx context.Context, prompt string) (ledger.Reply, string) {
	ask := url.Values{"response_type": {"code"}, "client_id": {v.rp.id}, "redirect_uri": {callback}, "scope": {"openid email"}, "state": {"s"}}
	if prompt != "" {
		ask.Set("prompt", prompt)
	}
	a := v.browser.Walk(ctx, "/oauth2/authorize?"+ask.Encode(), func(page string, forms []issuer.Form) *issuer.Form {
		if page != "/consent" {
			return nil
		}
		f := forms[len(forms)-1]
		f.Values.Set("action", "go")
		return &f
	})
	switch {
	case a.Status == http.StatusOK && a.Page == "/sign-in":
		return ledger.NoPerson, ""
	case a.To == nil:
		return silence(a)
	}
	switch answer := a.To.Query(); answer.Get("error") {
	case "":
		v.code, v.refresh, v.id, v.sid = answer.Get("code"), "", "", ""
		return ledger.Yes, ""
	case "login_required":
		return ledger.NoPerson, ""
	case "consent_required":
		return ledger.NoConsent, ""
	}
	return silence(a)
}

func (v *visitor) ask(ctx context.Context) (ledger.Reply, string)   { return v.authorize(ctx, "none") }
func (v *visitor) allow(ctx context.Context) (ledger.Reply, string) { return v.authorize(ctx, "") }

// forbid takes back on the account page what the client was allowed.
func (v *visitor) forbid(ctx context.Context) (ledger.Reply, string) {
	sent := false
	a := v.browser.Walk(ctx, "/account", func(page string, forms []issuer.Form) *issuer.Form {
		for _, f := range forms {
			if !sent && strings.HasSuffix(f.Action.Path, "/account/apps") && f.Buttons.Get("id") == v.rp.id {
				sent = true
				f.Values.Set("id", v.rp.id)
				return &f
			}
		}
		return nil
	})
	switch {
	case a.Status == http.StatusOK && a.Page == "/sign-in":
		return ledger.NoPerson, ""
	case a.Status == http.StatusOK && a.Page == "/account" && sent:
		return ledger.Yes, ""
	case a.Status == http.StatusOK && a.Page == "/account":
		return ledger.Invalid, "the client is not on the page"
	}
	return silence(a)
}

// said is what an answer to a client means.
func said(a issuer.Answer) (ledger.Reply, string) {
	switch {
	case a.Result == issuer.Done:
		return ledger.Yes, ""
	case a.Result == issuer.Refused && (a.Code == "invalid_grant" || a.Code == "invalid_token"):
		return ledger.Invalid, a.String()
	case a.Result == issuer.Unknown:
		return ledger.Silence, a.String()
	}
	return ledger.Reply("something else: " + a.String()), ""
}

func (v *visitor) token(ctx context.Context, form url.Values) (ledger.Reply, string) {
	answer := v.client.PostForm(ctx, "/oauth2/token", v.rp.id, v.rp.secret, form)
	reply, note := said(answer)
	if reply != ledger.Yes {
		return reply, note
	}
	var tokens struct {
		ID      string `json:"id_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(answer.Body, &tokens); err != nil || tokens.ID == "" || tokens.Refresh == "" {
		return ledger.Silence, "an answer without tokens"
	}
	v.refresh, v.id, v.sid = tokens.Refresh, tokens.ID, claim(tokens.ID, "sid")
	return ledger.Yes, ""
}

// claim reads a claim of an ID token.
func claim(id, name string) string {
	parts := strings.Split(id, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	claims := map[string]any{}
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	text, _ := claims[name].(string)
	return text
}

// redeem presents the newest code, spent or not. One that is invalid is thrown
// away, with the tokens that it gave.
func (v *visitor) redeem(ctx context.Context) (ledger.Reply, string) {
	reply, note := v.token(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {v.code}, "redirect_uri": {callback}})
	if reply == ledger.Invalid {
		v.code = ""
	}
	return reply, note
}

func (v *visitor) turn(ctx context.Context) (ledger.Reply, string) {
	return v.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {v.refresh}})
}

func (v *visitor) revoke(ctx context.Context) (ledger.Reply, string) {
	return said(v.client.PostForm(ctx, "/oauth2/revoke", v.rp.id, v.rp.secret, url.Values{"token": {v.refresh}}))
}

// signOut is asked for by the client, with its newest ID token.
func (v *visitor) signOut(ctx context.Context) (ledger.Reply, string) {
	if v.sid != "" {
		v.mayLeave[v.sid] = true
	}
	in := v.Surely(isIn)
	a := v.browser.Walk(ctx, "/oauth2/logout?"+url.Values{"id_token_hint": {v.id}}.Encode(), func(page string, forms []issuer.Form) *issuer.Form { return nil })
	if a.Status != http.StatusOK || a.Page != "/signed-out" {
		v.unsure = true
		return silence(a)
	}
	if in && v.sid != "" {
		v.mustLeave[v.sid] = true
	}
	v.id, v.sid = "", ""
	return ledger.Yes, ""
}

func (v *visitor) enrol(ctx context.Context) (ledger.Reply, string) {
	answer := v.client.Post(ctx, "/oauth2/register", "", map[string]any{"redirect_uris": []string{"https://other.example/callback"}})
	reply, note := said(answer)
	if reply != ledger.Yes {
		return reply, note
	}
	var client struct {
		URL   string `json:"registration_client_uri"`
		Token string `json:"registration_access_token"`
	}
	if err := json.Unmarshal(answer.Body, &client); err != nil || client.URL == "" || client.Token == "" {
		return ledger.Silence, "an answer without a client"
	}
	v.clientURL, v.access = strings.TrimPrefix(client.URL, v.url), client.Token
	return ledger.Yes, ""
}

// look forgets the client once it is seen that it is gone.
func (v *visitor) look(ctx context.Context) (ledger.Reply, string) {
	reply, note := said(v.client.Ask(ctx, http.MethodGet, v.clientURL, v.access))
	if reply == ledger.Invalid {
		v.clientURL = ""
	}
	return reply, note
}

func (v *visitor) leave(ctx context.Context) (ledger.Reply, string) {
	return said(v.client.Ask(ctx, http.MethodDelete, v.clientURL, v.access))
}

// home looks at the account page.
func (v *visitor) home(ctx context.Context) (ledger.Reply, string) {
	a := v.browser.Walk(ctx, "/account", func(string, []issuer.Form) *issuer.Form { return nil })
	switch {
	case a.Status == http.StatusOK && a.Page == "/sign-in":
		return ledger.NoPerson, ""
	case a.Status == http.StatusOK && a.Page == "/account":
		return ledger.Yes, ""
	}
	return silence(a)
}

// audit asks for everything that there may be. The ledger judges the answers;
// one that did not come is an error here.
func (v *visitor) audit(ctx context.Context) error {
	if !v.registered {
		return nil
	}
	if err := v.must(ctx, ledger.Home); err != nil {
		return err
	}
	v.settle(ctx)
	steps := []ledger.Step{}
	if v.clientURL != "" {
		steps = append(steps, ledger.Look)
	}
	if v.refresh != "" {
		steps = append(steps, ledger.Turn)
	}
	if v.code != "" && v.rand.IntN(4) == 0 {
		steps = append(steps, ledger.Redeem)
	}
	if v.rand.IntN(4) == 0 {
		steps = append(steps, ledger.Ask) // the last, since it may give a new code
	}
	return v.must(ctx, steps...)
}

func (v *visitor) must(ctx context.Context, steps ...ledger.Step) error {
	for _, step := range steps {
		answered, err := v.do(ctx, step)
		if err == nil && !answered {
			err = fmt.Errorf("%s: the issuer runs, and gave no answer to %q", v.Name, step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settles is how long a grant may outlive a sign-out whose request had no
// answer: what follows from it is done after the next start.
const settles = 15 * time.Second

// settle waits for that.
func (v *visitor) settle(ctx context.Context) {
	if !v.unsure || v.refresh == "" || v.Perhaps(isIn) {
		v.unsure = false
		return
	}
	v.unsure = false
	ctx, cancel := context.WithTimeout(ctx, settles)
	defer cancel()
	for ctx.Err() == nil {
		if reply, _ := v.turn(ctx); reply != ledger.Yes {
			return // and the ledger hears of the next one
		}
	}
}
