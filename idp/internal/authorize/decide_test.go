package authorize

import (
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/claims"
	"signet/idp/internal/client"
	"signet/idp/internal/request"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ann  = someone("ann", noon.Add(-time.Hour))
	bob  = someone("bob", noon.Add(-2*time.Hour))
)

func someone(name string, authTime time.Time) candidate {
	return candidate{subject: "sub-" + name, Account: session.Account{
		Account: data.Account{ID: "account-" + name, User: data.UserID(name), AuthTime: authTime},
		Person:  data.User{ID: data.UserID(name), Email: name + "@example.com", EmailKey: name + "@example.com"},
	}}
}

// allowing is somebody who allowed the scope before.
func allowing(c candidate, scope string) candidate {
	c.consent = data.Consent{At: noon, Scope: scope, Audience: []string{"api"}, Claims: []string{"email"}}
	return c
}

// proved is somebody who proved who they are at the moment.
func proved(c candidate, at time.Time) candidate {
	c.AuthTime = at
	return c
}

func confidential() *client.Client {
	return &client.Client{Source: client.Configured, Client: data.Client{ID: "web", Metadata: data.Metadata{AuthMethod: wire.AuthClientSecretBasic}}}
}

// about is a decision to be made, from a plain one: the person of web, who
// allowed everything, an hour after the sign-in.
func about(changes ...func(*facts)) facts {
	f := facts{now: noon, accounts: []candidate{allowing(ann, "openid posts")}, request: request.Request{
		Client: confidential(), Scope: "openid posts", Audience: []string{"api"}, MaxAge: request.AnyAge,
		Reply: request.Reply{RedirectURI: "https://web.example.com/cb"},
	}}
	for _, change := range changes {
		change(&f)
	}
	return f
}

func nobody(f *facts) { f.accounts = nil }

func people(list ...candidate) func(*facts) { return func(f *facts) { f.accounts = list } }

func prompt(p request.Prompt) func(*facts) { return func(f *facts) { f.request.Prompt |= p } }

func maxAge(d time.Duration) func(*facts) { return func(f *facts) { f.request.MaxAge = d } }

func hint(sub string) func(*facts) { return func(f *facts) { f.request.Hint = sub } }

func loginHint(text string) func(*facts) { return func(f *facts) { f.request.LoginHint = text } }

func firstParty(f *facts) { f.request.Client.FirstParty = true }

func public(f *facts) { f.request.Client.AuthMethod = wire.AuthNone }

func redirect(uri string) func(*facts) { return func(f *facts) { f.request.Reply.RedirectURI = uri } }

func source(s client.Source) func(*facts) { return func(f *facts) { f.request.Client.Source = s } }

func scope(text string) func(*facts) { return func(f *facts) { f.request.Scope = text } }

func claimed(raw string) func(*facts) {
	return func(f *facts) {
		var err error
		if f.request.Claims, err = claims.Parse(raw); err != nil {
			panic(err)
		}
	}
}

// began says that the request came then.
func began(at time.Time) func(*facts) { return func(f *facts) { f.stored.CreatedAt = at } }

func chose(c candidate) func(*facts) { return func(f *facts) { f.stored.Account = c.ID } }

// signedInAt says that the sign-in page noted a sign-in.
func signedInAt(at time.Time) func(*facts) { return func(f *facts) { f.stored.SignedIn = at } }

func consented(scope string) func(*facts) {
	return func(f *facts) { f.stored.Consented, f.stored.Scope = true, scope }
}

func declined(f *facts) { f.stored.Declined = true }

func TestDecide(t *testing.T) {
	const none, login, consent = request.PromptNone, request.PromptLogin, request.PromptConsent
	const choose, create = request.PromptSelectAccount, request.PromptCreate
	all := allowing(ann, "openid posts")
	other := allowing(bob, "openid posts")
	before, justNow := noon.Add(-time.Minute), noon.Add(-time.Second)
	cases := []struct {
		name string
		f    facts
		step step
		want string // the code of refuse, the scope of issue, the account of needConsent
	}{
		// Who is signed in.
		{"somebody who allowed it before goes on", about(), issue, "openid posts"},
		{"nobody has to sign in", about(nobody), needSignIn, ""},
		{"nobody, silently, is told so", about(nobody, prompt(none)), refuse, wire.CodeLoginRequired},
		{"somebody goes on silently", about(prompt(none)), issue, "openid posts"},
		{"several have to choose", about(people(all, other)), needAccount, ""},
		{"several, silently, are too many", about(people(all, other), prompt(none)), refuse, wire.CodeAccountSelectionRequired},
		{"a choice among several holds", about(people(all, other), began(before), chose(bob)), issue, "bob openid posts"},
		{"a choice that has signed out since is none", about(people(all), began(before), chose(bob)), issue, "openid posts"},
		{"a choice that has signed out since, with several others", about(people(all, allowing(someone("cat", noon), "openid posts")), began(before), chose(bob)), needAccount, ""},
		{"a choice when everybody has signed out", about(nobody, began(before), chose(ann)), needSignIn, ""},

		// login_hint is a wish (OpenID Connect Core, section 3.1.2.1).
		{"a login_hint chooses", about(people(all, other), loginHint("bob@example.com")), issue, "bob openid posts"},
		{"a login_hint chooses in whatever case", about(people(all, other), loginHint("BOB@Example.com")), issue, "bob openid posts"},
		{"a login_hint chooses silently", about(people(all, other), loginHint("bob@example.com"), prompt(none)), issue, "bob openid posts"},
		{"a login_hint of a stranger asks", about(loginHint("eve@example.com")), needAccount, ""},
		{"a login_hint of a stranger does not refuse what is silent", about(loginHint("eve@example.com"), prompt(none)), issue, "openid posts"},
		{"a login_hint of a stranger does not choose among several", about(people(all, other), loginHint("eve@example.com"), prompt(none)), refuse, wire.CodeAccountSelectionRequired},
		{"a login_hint of a stranger gives way to a choice", about(loginHint("eve@example.com"), began(before), chose(ann)), issue, "openid posts"},
		{"a login_hint that is no e-mail asks", about(loginHint("\x00")), needAccount, ""},

		// id_token_hint and the sub claim bind.
		{"the hint of the one who is there", about(hint("sub-ann")), issue, "openid posts"},
		{"the hint chooses among several", about(people(all, other), hint("sub-bob")), issue, "bob openid posts"},
		{"the hint chooses silently", about(people(all, other), hint("sub-bob"), prompt(none)), issue, "bob openid posts"},
		{"the hint of another asks to sign in", about(hint("sub-bob")), needSignIn, ""},
		{"the hint of another, silently", about(hint("sub-bob"), prompt(none)), refuse, wire.CodeLoginRequired},
		{"the hint of another, who chose the wrong account", about(people(all, other), hint("sub-bob"), began(before), chose(ann)), needSignIn, ""},
		{"the hint of another, and the wrong person signed in",
			about(people(proved(all, justNow)), hint("sub-bob"), began(before), chose(ann), signedInAt(justNow)), refuse, wire.CodeLoginRequired},
		{"the hint of another, and the right person signed in",
			about(people(proved(other, justNow), all), hint("sub-bob"), began(before), chose(bob), signedInAt(justNow)), issue, "bob openid posts"},
		{"the sub claim of the one who is there", about(claimed(`{"id_token":{"sub":{"value":"sub-ann"}}}`)), issue, "openid posts"},
		{"the sub claim of another", about(claimed(`{"id_token":{"sub":{"value":"sub-bob"}}}`)), needSignIn, ""},
		{"the sub claim of another, silently", about(claimed(`{"userinfo":{"sub":{"value":"sub-bob"}}}`), prompt(none)), refuse, wire.CodeLoginRequired},
		{"a hint and a sub claim that disagree", about(hint("sub-ann"), claimed(`{"id_token":{"sub":{"value":"sub-bob"}}}`), prompt(none)), refuse, wire.CodeLoginRequired},

		// prompt=login is for this request.
		{"login asks", about(prompt(login)), needSignIn, ""},
		{"login asks nobody", about(nobody, prompt(login)), needSignIn, ""},
		{"login asks among several", about(people(all, other), prompt(login)), needSignIn, ""},
		{"login is done by a sign-in for this request", about(people(proved(all, justNow)), prompt(login), began(before), chose(ann), signedInAt(justNow)), issue, "openid posts"},
		{"login is done by a sign-in at the same moment", about(people(proved(all, before)), prompt(login), began(before), chose(ann), signedInAt(before)), issue, "openid posts"},
		{"login is not done by a choice", about(prompt(login), began(before), chose(ann)), needSignIn, ""},
		{"login is not done by an account of before", about(prompt(login), began(before), chose(ann), signedInAt(justNow)), needSignIn, ""},
		{"login is not done by a sign-in of before", about(people(proved(all, noon)), prompt(login), began(noon), chose(ann), signedInAt(before)), needSignIn, ""},
		{"login is not done by somebody else's sign-in", about(people(proved(other, justNow), all), prompt(login), began(before), chose(ann), signedInAt(justNow)), needSignIn, ""},
		{"login is not done by a sign-in in another tab", about(people(proved(all, justNow)), prompt(login), began(before)), needSignIn, ""},

		// max_age.
		{"young enough", about(maxAge(time.Hour)), issue, "openid posts"},
		{"too old", about(maxAge(time.Hour - time.Second)), needSignIn, ""},
		{"too old, silently", about(maxAge(time.Hour-time.Second), prompt(none)), refuse, wire.CodeLoginRequired},
		{"too old, and chosen", about(maxAge(time.Minute), began(before), chose(ann)), needSignIn, ""},
		{"0 asks each time", about(maxAge(0), people(proved(all, noon))), needSignIn, ""},
		{"0, silently", about(maxAge(0), people(proved(all, noon)), prompt(none)), refuse, wire.CodeLoginRequired},
		{"0 is done by a sign-in for this request", about(maxAge(0), people(proved(all, justNow)), began(before), chose(ann), signedInAt(justNow)), issue, "openid posts"},
		{"whoever thinks for long after the sign-in", about(maxAge(time.Second), people(proved(all, noon.Add(-50*time.Second))), began(before), chose(ann), signedInAt(noon.Add(-50*time.Second))), issue, "openid posts"},
		{"a clock that was set back", about(maxAge(time.Minute), people(proved(all, noon.Add(time.Hour)))), issue, "openid posts"},

		// prompt=select_account and create.
		{"select_account asks the only one", about(prompt(choose)), needAccount, ""},
		{"select_account asks nobody to sign in", about(nobody, prompt(choose)), needSignIn, ""},
		{"select_account is done by a choice", about(prompt(choose), began(before), chose(ann)), issue, "openid posts"},
		{"select_account and login: first the choice", about(prompt(choose | login)), needAccount, ""},
		{"select_account and login: then the sign-in", about(prompt(choose|login), began(before), chose(ann)), needSignIn, ""},
		{"select_account and login: both", about(prompt(choose|login), people(proved(all, justNow)), began(before), chose(ann), signedInAt(justNow)), issue, "openid posts"},
		{"create asks for a new account", about(prompt(create)), needSignUp, ""},
		{"create asks nobody for one", about(nobody, prompt(create)), needSignUp, ""},
		{"create is done by the one who signed up", about(people(proved(all, justNow)), prompt(create), began(before), chose(ann), signedInAt(justNow)), issue, "openid posts"},
		{"create is not done by a choice", about(prompt(create), began(before), chose(ann)), needSignIn, ""},

		// acr: one way to sign in.
		{"the acr that there is", about(claimed(`{"id_token":{"acr":{"essential":true,"values":["2","1"]}}}`)), issue, "openid posts"},
		{"an acr that there is not", about(claimed(`{"id_token":{"acr":{"essential":true,"values":["2"]}}}`)), refuse, wire.CodeUnmetAuthentication},
		{"an acr that there is not, of nobody", about(nobody, claimed(`{"id_token":{"acr":{"essential":true,"value":"2"}}}`)), refuse, wire.CodeUnmetAuthentication},
		{"a wish for an acr that there is not", about(claimed(`{"id_token":{"acr":{"values":["2"]}}}`)), issue, "openid posts"},
		{"any acr", about(claimed(`{"id_token":{"acr":{"essential":true}}}`)), issue, "openid posts"},

		// Consent.
		{"the first time asks", about(people(ann)), needConsent, "account-ann"},
		// Nobody learns who is signed in by guessing.
		{"the sub claim of somebody who never allowed anything, silently", about(people(ann), claimed(`{"userinfo":{"sub":{"value":"sub-ann"}}}`), prompt(none)), refuse, wire.CodeLoginRequired},
		{"the same with a hint that we signed", about(people(ann), hint("sub-ann"), claimed(`{"userinfo":{"sub":{"value":"sub-ann"}}}`), prompt(none)), refuse, wire.CodeConsentRequired},
		{"the login_hint of somebody who never allowed anything, silently", about(people(all, bob), loginHint("bob@example.com"), prompt(none)), refuse, wire.CodeAccountSelectionRequired},
		{"the same of a client that nobody is asked about", about(people(all, bob), loginHint("bob@example.com"), prompt(none), firstParty), issue, "bob openid posts"},
		{"the first time, silently", about(people(ann), prompt(none)), refuse, wire.CodeConsentRequired},
		{"more than was allowed asks", about(people(allowing(ann, "openid"))), needConsent, "account-ann"},
		{"another audience asks", about(func(f *facts) { f.request.Audience = []string{"billing"} }), needConsent, "account-ann"},
		{"a claim by name asks", about(claimed(`{"userinfo":{"phone_number":null}}`)), needConsent, "account-ann"},
		{"a claim by name that was allowed does not", about(claimed(`{"userinfo":{"email":null}}`)), issue, "openid posts"},
		{"offline_access asks", about(scope("openid posts offline_access")), needConsent, "account-ann"},
		{"offline_access, silently", about(scope("openid posts offline_access"), prompt(none)), refuse, wire.CodeConsentRequired},
		{"offline_access that was allowed does not", about(scope("openid offline_access"), people(allowing(ann, "openid offline_access"))), issue, "openid offline_access"},
		{"consent asks again", about(prompt(consent)), needConsent, "account-ann"},
		{"consent is done", about(prompt(consent), began(before), chose(ann), consented("openid posts")), issue, "openid posts"},
		{"less is allowed", about(people(ann), began(before), chose(ann), consented("openid")), issue, "openid"},
		{"more than was asked for is not given", about(people(ann), began(before), chose(ann), consented("posts:write posts admin openid")), issue, "openid posts"},
		{"openid is the sign-in itself", about(people(ann), began(before), chose(ann), consented("posts")), issue, "openid posts"},
		{"nothing is allowed", about(scope("posts"), people(ann), began(before), chose(ann), consented("")), refuse, wire.CodeAccessDenied},
		{"nothing was asked for", about(scope(""), people(ann), began(before), chose(ann), consented("")), issue, ""},
		{"what one allowed is not another's", about(people(ann, bob), began(before), chose(bob), func(f *facts) { f.stored.Consented = false }), needConsent, "account-bob"},
		{"a consent without an account is nobody's", about(people(ann), began(before), consented("openid posts")), needConsent, "account-ann"},
		{"declined", about(declined), refuse, wire.CodeAccessDenied},
		{"declined by nobody", about(nobody, declined), refuse, wire.CodeAccessDenied},
		{"declined, silently", about(declined, prompt(none)), refuse, wire.CodeAccessDenied},

		// Whom nobody asks, and who is asked each time.
		{"a client of the house does not ask", about(firstParty, people(ann)), issue, "openid posts"},
		{"a client of the house does not ask for offline_access", about(firstParty, people(ann), scope("openid offline_access")), issue, "openid offline_access"},
		{"a client of the house does not ask when told to", about(firstParty, people(ann), prompt(consent)), issue, "openid posts"},
		{"a client of the house wants somebody", about(firstParty, nobody), needSignIn, ""},
		{"a public client at an https address", about(public), issue, "openid posts"},
		{"a public client at a loopback address", about(public, redirect("http://127.0.0.1:7/cb")), needConsent, "account-ann"},
		{"a public client at localhost", about(public, redirect("http://localhost:7/cb")), needConsent, "account-ann"},
		{"a public client with a scheme", about(public, redirect("com.example.app:/cb")), needConsent, "account-ann"},
		{"a public client with a scheme, silently", about(public, redirect("com.example.app:/cb"), prompt(none)), refuse, wire.CodeConsentRequired},
		{"a public client with a scheme, once allowed", about(public, redirect("com.example.app:/cb"), began(before), chose(ann), consented("openid posts")), issue, "openid posts"},
		{"a public client of the house with a scheme", about(public, firstParty, redirect("com.example.app:/cb")), issue, "openid posts"},
		{"a client with a secret at a loopback address", about(redirect("http://127.0.0.1:7/cb")), issue, "openid posts"},
		{"a stored client", about(source(client.Stored)), issue, "openid posts"},
		{"a client that registered itself asks each time", about(source(client.Registered)), needConsent, "account-ann"},
		{"a client that registered itself lives silently off what was allowed", about(source(client.Registered), prompt(none)), issue, "openid posts"},
		{"a client that registered itself, silently, for more", about(source(client.Registered), prompt(none), scope("openid posts posts:write")), refuse, wire.CodeConsentRequired},
		{"a document asks each time", about(source(client.Document)), needConsent, "account-ann"},
		{"a document that is public lives silently off its https address", about(source(client.Document), public, prompt(none)), issue, "openid posts"},
		{"a document at a loopback address does not", about(source(client.Document), public, redirect("http://127.0.0.1:7/cb"), prompt(none)), refuse, wire.CodeConsentRequired},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := decide(c.f)
			got := map[step]string{issue: out.scope, needConsent: out.account.ID}[out.step]
			if out.refused != nil {
				got = out.refused.Code
			}
			if out.step == issue && out.account.ID == bob.ID {
				got = "bob " + got
			}
			if out.step != c.step || got != c.want {
				t.Errorf("got %d %q, want %d %q", out.step, got, c.step, c.want)
			}
		})
	}
}

// Whatever the facts are, some things never happen.
func TestNoDecisionBreaksARule(t *testing.T) {
	prompts := []request.Prompt{0, request.PromptNone, request.PromptLogin, request.PromptConsent, request.PromptSelectAccount, request.PromptCreate,
		request.PromptLogin | request.PromptConsent, request.PromptLogin | request.PromptSelectAccount}
	sets := [][]candidate{nil, {ann}, {allowing(ann, "openid posts")}, {ann, bob}, {proved(allowing(ann, "openid posts"), noon), bob}}
	count := 0
	for _, p := range prompts {
		for _, accounts := range sets {
			for _, age := range []time.Duration{request.AnyAge, 0, time.Minute} {
				for _, sub := range []string{"", "sub-ann", "sub-bob"} {
					for _, chosen := range []string{"", "account-ann", "account-bob"} {
						for _, in := range []time.Time{{}, noon.Add(-time.Minute), noon} {
							for _, yes := range []bool{false, true} {
								for _, house := range []bool{false, true} {
									f := about(prompt(p), maxAge(age), hint(sub), people(accounts...), began(noon.Add(-time.Second)))
									f.stored.Account, f.stored.SignedIn, f.stored.Consented, f.stored.Scope = chosen, in, yes, "openid posts"
									f.request.Client.FirstParty = house
									check(t, f, decide(f))
									count++
								}
							}
						}
					}
				}
			}
		}
	}
	if count < 5000 {
		t.Errorf("only %d", count)
	}
}

func check(t *testing.T, f facts, out outcome) {
	t.Helper()
	r := f.request
	silent := r.Prompt.Has(request.PromptNone)
	bad := ""
	switch {
	case silent && out.step != issue && out.step != refuse:
		bad = "a silent request shows a page"
	case (out.step == refuse) != (out.refused != nil):
		bad = "an error that is none"
	case out.step != issue:
	case len(f.accounts) == 0:
		bad = "nobody got an answer"
	case r.Hint != "" && out.account.subject != r.Hint:
		bad = "another person than was asked for"
	case f.stored.Account != "" && out.account.ID != f.stored.Account && has(f.accounts, f.stored.Account):
		bad = "another account than was chosen"
	case (r.Prompt.Has(request.PromptLogin|request.PromptCreate) || r.MaxAge == 0) && out.account.AuthTime.Before(f.stored.CreatedAt):
		bad = "an old sign-in was enough"
	case r.MaxAge > 0 && f.now.Sub(out.account.AuthTime) > r.MaxAge:
		bad = "a sign-in was too old"
	case r.Prompt.Has(request.PromptSelectAccount) && f.stored.Account == "":
		bad = "nobody was asked to choose"
	case !r.Client.FirstParty && !f.stored.Consented && out.account.consent.Scope == "":
		bad = "nobody allowed it"
	case !r.Client.FirstParty && r.Prompt.Has(request.PromptConsent) && !f.stored.Consented:
		bad = "nobody was asked to allow it"
	}
	if bad != "" {
		t.Errorf("%s: %+v became %+v", bad, f, out)
	}
}

func has(list []candidate, id string) bool {
	for _, c := range list {
		if c.ID == id {
			return true
		}
	}
	return false
}

// Who has to prove who they are once more is named where that is clear, so that
// the page need not ask for the e-mail as well.
func TestWhoHasToSignInAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		facts facts
		want  string
	}{
		{"the only one, with prompt=login", about(prompt(request.PromptLogin)), ann.ID},
		{"the only one, too long ago", about(maxAge(time.Second)), ann.ID},
		{"the one that login_hint names", about(people(ann, bob), prompt(request.PromptLogin), loginHint(bob.Person.Email)), bob.ID},
		{"nobody of several", about(people(ann, bob), prompt(request.PromptLogin)), ""},
		{"nobody that login_hint does not mean", about(prompt(request.PromptLogin), loginHint("eve@example.com")), ""},
		{"nobody that the client did not ask for", about(prompt(request.PromptLogin), hint("sub-bob")), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out := decide(tt.facts); out.step != needSignIn || out.account.ID != tt.want {
				t.Errorf("got step %v of %q, want a sign-in of %q", out.step, out.account.ID, tt.want)
			}
		})
	}
}
