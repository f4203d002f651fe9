package authorize

import (
	"slices"
	"strings"
	"time"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/request"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
)

// facts are all that a decision depends on.
type facts struct {
	request  request.Request
	stored   data.Request // what the person did for it; zero for one that has just come
	accounts []candidate  // who is signed in to the browser, the one used last first
	now      time.Time
}

// candidate is somebody who is signed in.
type candidate struct {
	session.Account
	subject string       // as the client knows the person
	consent data.Consent // what they allowed the client before
}

// step is what comes next.
type step int

const (
	refuse      step = iota // the client gets an error
	needSignIn              // nobody suitable is signed in, or not recently enough
	needSignUp              // a new account is asked for
	needAccount             // the person has to say which account
	needConsent             // the account has to allow it
	issue                   // the client gets what it asked for
)

// outcome is a decision.
type outcome struct {
	step    step
	refused *wire.Error // with refuse
	account candidate   // with needConsent and issue
	scope   string      // with issue: what was allowed
}

// decide says what comes next for a request.
func decide(f facts) outcome {
	if f.stored.Declined {
		return no(wire.CodeAccessDenied, "The person declined.")
	}
	if values, essential := f.request.Claims.ACR(); essential && len(values) > 0 && !slices.Contains(values, request.ACR) {
		// Nothing that the person could do would be enough (OpenID Connect
		// Core, section 5.5.1.1). Values that are not essential are a wish.
		return no(wire.CodeUnmetAuthentication, "There is no such way to sign in here.")
	}
	out := f.choose()
	if out.step == issue {
		out = f.permit(out.account)
	}
	if f.request.Prompt.Has(request.PromptNone) {
		return silent(out)
	}
	return out
}

func no(code, description string) outcome {
	return outcome{step: refuse, refused: wire.Refuse(code, description)}
}

// silent is what becomes of a request that must not show a page (OpenID
// Connect Core, section 3.1.2.6).
func silent(out outcome) outcome {
	switch out.step {
	case needSignIn, needSignUp:
		return no(wire.CodeLoginRequired, "The person has to sign in.")
	case needAccount:
		return no(wire.CodeAccountSelectionRequired, "The person has to choose an account.")
	case needConsent:
		return no(wire.CodeConsentRequired, "The person has to allow it.")
	}
	return out
}

// choose finds the account that goes on: issue, with it, or what is needed to
// find one.
func (f facts) choose() outcome {
	if chosen, ok := f.chosen(); ok {
		switch {
		case f.suits(chosen) && f.recent(chosen):
			return outcome{step: issue, account: chosen}
		case !f.suits(chosen) && f.signedIn(chosen):
			// Somebody else than the client asked for (OpenID Connect Core,
			// sections 3.1.2.1 and 5.5.1).
			return no(wire.CodeLoginRequired, "Another person signed in than was asked for.")
		}
		return outcome{step: needSignIn}
	}
	suitable := slices.DeleteFunc(slices.Clone(f.accounts), func(a candidate) bool { return !f.suits(a) })
	switch prompt := f.request.Prompt; {
	case prompt.Has(request.PromptCreate):
		return outcome{step: needSignUp}
	case len(suitable) == 0:
		return outcome{step: needSignIn}
	case prompt.Has(request.PromptLogin) && !prompt.Has(request.PromptSelectAccount):
		again, _ := f.obvious(suitable) // nobody where it is not clear who
		return outcome{step: needSignIn, account: again}
	case prompt.Has(request.PromptSelectAccount):
		return outcome{step: needAccount}
	}
	only, ok := f.obvious(suitable)
	switch {
	case !ok:
		return outcome{step: needAccount}
	case !f.recent(only):
		return outcome{step: needSignIn, account: only}
	}
	return outcome{step: issue, account: only}
}

// chosen is the account that a page noted, while it is signed in.
func (f facts) chosen() (candidate, bool) {
	i := slices.IndexFunc(f.accounts, func(a candidate) bool { return f.stored.Account != "" && a.ID == f.stored.Account })
	if i < 0 {
		return candidate{}, false
	}
	return f.accounts[i], true
}

// suits tells whether the account is the person whom the client asks for, if
// it asks for one.
func (f facts) suits(a candidate) bool {
	hint, claimed := f.request.Hint, f.request.Claims.Subject()
	return (hint == "" || hint == a.subject) && (claimed == "" || claimed == a.subject && f.mayKnow(a))
}

// mayKnow tells whether the client may hear that it has guessed who is signed
// in. Where a page is shown, it hears nothing. Silently, it would learn it of
// anybody, unless they allowed it something before, or it shows a token of
// theirs.
func (f facts) mayKnow(a candidate) bool {
	r := f.request
	return !r.Prompt.Has(request.PromptNone) || r.Client.FirstParty || !a.consent.At.IsZero() || r.Hint == a.subject
}

// signedIn tells whether the person of the account proved who they are for
// this very request. The account's own time is asked too: somebody else may
// have signed in for the request before the account was chosen.
func (f facts) signedIn(a candidate) bool {
	began := f.stored.CreatedAt
	return f.stored.Account == a.ID && !f.stored.SignedIn.IsZero() && !f.stored.SignedIn.Before(began) && !a.AuthTime.Before(began)
}

// recent tells whether the last proof is good enough. One that was made for
// this request always is, however long the person thought about the rest.
func (f facts) recent(a candidate) bool {
	switch age := f.request.MaxAge; {
	case f.signedIn(a):
		return true
	case f.request.Prompt.Has(request.PromptLogin | request.PromptCreate), age == 0:
		return false
	case age == request.AnyAge:
		return true
	default:
		return f.now.Sub(a.AuthTime) <= age
	}
}

// obvious is the account that nobody needs to be asked about.
func (f facts) obvious(suitable []candidate) (candidate, bool) {
	if f.request.LoginHint != "" {
		i := slices.IndexFunc(suitable, func(a candidate) bool { return hinted(a.Person, f.request.LoginHint) && f.mayKnow(a) })
		if i >= 0 {
			return suitable[i], true
		}
		if !f.request.Prompt.Has(request.PromptNone) {
			return candidate{}, false // most likely, somebody else is meant
		}
	}
	if len(suitable) != 1 {
		return candidate{}, false
	}
	return suitable[0], true
}

func hinted(person data.User, hint string) bool {
	email, err := data.ParseEmail(hint)
	return err == nil && email.Key() == person.EmailKey
}

// permit tells what the account lets the client have.
func (f facts) permit(a candidate) outcome {
	r := f.request
	switch {
	case r.Client.FirstParty:
		return outcome{step: issue, account: a, scope: r.Scope}
	case f.stored.Consented && f.stored.Account == a.ID:
		return allowed(r, a, f.stored.Scope)
	case !r.Prompt.Has(request.PromptConsent) && remembers(r) && a.consent.Covers(r.Scope, r.Audience, r.Claims.Names()):
		return outcome{step: issue, account: a, scope: r.Scope}
	}
	return outcome{step: needConsent, account: a}
}

// allowed gives what was allowed of what was asked for. openid is what the
// sign-in itself means.
func allowed(r request.Request, a candidate, scope string) outcome {
	var kept []string
	for _, name := range strings.Fields(r.Scope) {
		if name == wire.ScopeOpenID || slices.Contains(strings.Fields(scope), name) {
			kept = append(kept, name)
		}
	}
	if len(kept) == 0 && r.Scope != "" {
		return no(wire.CodeAccessDenied, "The person allowed nothing of it.")
	}
	return outcome{step: issue, account: a, scope: strings.Join(kept, " ")}
}

// remembers tells whether an earlier consent may stand for this one. It may
// not where another program could have sent the request and would get the
// answer: a public client is only as good as its redirect URI (RFC 8252,
// section 8.6; RFC 6749, section 10.2). A client that nobody here has looked
// at asks each time that anything can be asked; a silent request, which shows
// nothing, lives off what was allowed in person.
func remembers(r request.Request) bool {
	if r.Client.Public() && !r.Client.Exclusive(r.Reply.RedirectURI) {
		return false
	}
	unvouched := r.Client.Source == client.Registered || r.Client.Source == client.Document
	return !unvouched || r.Prompt.Has(request.PromptNone)
}
