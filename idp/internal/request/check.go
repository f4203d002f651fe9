package request

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"signet/idp/internal/claims"
	"signet/idp/internal/wire"
)

// AnyAge says that it does not matter when the person last proved to be who
// they are.
const AnyAge = time.Duration(-1)

// Prompt is what the client wants to be asked of the person (OpenID Connect
// Core, section 3.1.2.1; Initiating User Registration, section 4.1).
type Prompt uint8

// The prompts, to be or-ed.
const (
	PromptNone Prompt = 1 << iota
	PromptLogin
	PromptConsent
	PromptSelectAccount
	PromptCreate
)

var prompts = map[string]Prompt{
	"none": PromptNone, "login": PromptLogin, "consent": PromptConsent,
	"select_account": PromptSelectAccount, "create": PromptCreate,
}

// Has tells whether one of these is asked for.
func (p Prompt) Has(one Prompt) bool { return p&one != 0 }

// rights checks what the client would get.
func (p *Parser) rights(r *Request, form wire.Form) (err error) {
	asked := form.Get("scope")
	r.Scope = p.o.Clients.Scope(r.Client.Terms(), asked)
	if asked != "" && r.Scope == "" {
		return wire.Refuse(wire.CodeInvalidScope, "The client may have none of these scopes.")
	}
	if !r.Response.Code {
		// There will be no refresh token (OpenID Connect Core, section 11).
		r.Scope = without(r.Scope, wire.ScopeOfflineAccess)
	}
	if r.Audience, err = p.o.Clients.Audiences(r.Client.Terms(), form.All("resource"), form.All("audience")); err != nil {
		return err
	}
	if r.Claims, err = claims.Parse(form.Get("claims")); err != nil {
		return err
	}
	r.Nonce = form.Get("nonce")
	if r.Response.IDToken && !r.Has(wire.ScopeOpenID) {
		return wire.Field("scope", "an ID token is for those who ask for openid")
	}
	if r.Response.IDToken && r.Nonce == "" {
		return wire.Field("nonce", "it is needed where an ID token comes through the browser (OpenID Connect Core, section 3.2.2.1)")
	}
	if form.Has("registration") {
		return wire.Refuse(wire.CodeRegistrationNotSupported, "A request registers no client here.")
	}
	return nil
}

// challenge checks PKCE. A challenge is the S256 of a verifier and nothing
// else: plain protects nobody who reads the request (RFC 9700, section 2.1.1).
func (p *Parser) challenge(r *Request, form wire.Form) error {
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	switch {
	case !r.Response.Code:
		return p.key(r, form)
	case challenge == "" && method != "":
		return wire.Field("code_challenge", "it is missing")
	case challenge == "" && (r.Client.Public() || p.o.RequirePKCE || r.Client.RequirePKCE):
		return wire.Field("code_challenge", "it is needed (RFC 7636, section 4.4.1)")
	case challenge != "" && method != "S256":
		return wire.Field("code_challenge_method", "it must be S256 (RFC 7636, section 4.4.1)")
	case challenge != "" && !isHash(challenge):
		return wire.Field("code_challenge", "it is no SHA-256 in base64url (RFC 7636, section 4.2)")
	}
	r.Challenge = challenge
	return p.key(r, form)
}

// key checks the DPoP key that the code is to be bound to.
func (p *Parser) key(r *Request, form wire.Form) error {
	r.JKT = form.Get("dpop_jkt")
	switch {
	case r.JKT == "":
	case !isHash(r.JKT):
		return wire.Field("dpop_jkt", "it is no thumbprint (RFC 9449, section 10)")
	case r.Response.Token:
		return wire.Field("dpop_jkt", "an access token that comes through the browser is bound to no key")
	}
	return nil
}

// isHash tells whether the text is 256 bits in base64url without padding.
func isHash(text string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(text) != 43 || strings.Trim(text, alphabet) != "" {
		return false
	}
	// The last character holds four bits, so two of its six are zero.
	return strings.IndexByte(alphabet, text[42])%4 == 0
}

// person checks what is to be asked of the person.
func (p *Parser) person(r *Request, form wire.Form) error {
	for _, word := range words(form.Get("prompt")) {
		one, ok := prompts[word]
		if !ok {
			return wire.Field("prompt", "there is no such prompt")
		}
		r.Prompt |= one
	}
	if r.Prompt.Has(PromptNone) && r.Prompt != PromptNone {
		return wire.Field("prompt", "none excludes all others (OpenID Connect Core, section 3.1.2.1)")
	}
	r.MaxAge = AnyAge
	if r.Client.DefaultMaxAge != nil {
		r.MaxAge = seconds(*r.Client.DefaultMaxAge)
	}
	if text := form.Get("max_age"); text != "" {
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return wire.Field("max_age", "it is no number of seconds")
		}
		r.MaxAge = seconds(int64(n))
	}
	return nil
}

// seconds is n seconds, or as many as fit.
func seconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(max(0, min(n, most))) * time.Second
}

// maxLocales is how many languages are looked at.
const maxLocales = 16

// hints checks what helps the pages, and the one hint that binds.
func (p *Parser) hints(r *Request, form wire.Form) (err error) {
	r.LoginHint = form.Get("login_hint")
	r.UILocales = words(form.Get("ui_locales"))
	r.UILocales = r.UILocales[:min(len(r.UILocales), maxLocales)]
	if display := form.Get("display"); slices.Contains([]string{"page", "popup", "touch", "wap"}, display) {
		r.Display = display
	}
	if token := form.Get("id_token_hint"); token != "" {
		r.Hint, err = p.hint(r.Client, token)
	}
	return err
}

func words(text string) []string { return strings.Fields(text) }

func without(list, word string) string {
	return strings.Join(slices.DeleteFunc(words(list), func(w string) bool { return w == word }), " ")
}
