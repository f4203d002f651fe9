package pages

// View is one of the view models of this package.
type View interface{ describe() description }

// checked is a view that may hold what cannot be shown at all.
type checked interface{ check() error }

// description is what the layout and the headers need to know of a view.
type description struct {
	template string
	title    text
	wrong    bool
	policy   policy
}

// Form is what every form carries.
type Form struct {
	Action   string // where it is posted to
	CSRF     string
	Request  string // the handle of the authorization request; "" without one
	Account  string // the account that the page speaks of, as FieldAccount; may be ""
	UserCode string // the code of the device that waits, as FieldCode; may be ""
	Problems []Problem
}

// problem is what is wrong with a field, or nil.
func (f Form) problem(field string) *Problem {
	for i := range f.Problems {
		if f.Problems[i].Field == field {
			return &f.Problems[i]
		}
	}
	return nil
}

// of describes a page with one form. A form that belongs to an authorization
// request ends at the client.
func (f Form) of(template string, title text) description {
	return description{template, title, len(f.Problems) > 0, policy{leadsOut: f.Request != ""}}
}

// Client is the application as people see it.
type Client struct {
	Name string // as it calls itself; its host where it is empty
	// Host is set for a client that nobody here has looked at: it registered
	// itself, or its id is a URL. Then this is all that is known of it.
	Host     string
	Loopback bool   // it is somewhere on the person's own machine; only said beside Host
	URI      string // these three are shown if they are http(s) links, else dropped
	Policy   string
	Terms    string
}

// Title is the name to show.
func (c Client) Title() string {
	if name := clean(c.Name); name != "" {
		return name
	}
	return clean(c.Host)
}

// Subtitle is the host, where the name does not say it already.
func (c Client) Subtitle() string {
	if host := clean(c.Host); host != c.Title() {
		return host
	}
	return ""
}

// HomeLink, PolicyLink and TermsLink are "" unless they are safe to follow.
func (c Client) HomeLink() string   { return link(c.URI) }
func (c Client) PolicyLink() string { return link(c.Policy) }
func (c Client) TermsLink() string  { return link(c.Terms) }

// SignIn asks for the e-mail and the password. The buttons are ActionGo and,
// for a request, ActionCancel.
type SignIn struct {
	Form
	Client      *Client // nil without a request
	Email       string  // what was typed, or the login_hint
	Again       bool    // the person of Email is signed in and must prove it again
	SignUpURL   string  // "" where nobody can register
	AccountsURL string  // to choose another account; "" where there is none
	Notice      Notice
}

func (v SignIn) describe() description {
	if v.Again {
		return v.of("signin", say("again.title"))
	}
	return v.of("signin", say("signin.title"))
}

// SignUp makes an account.
type SignUp struct {
	Form
	Client        *Client
	Email, Name   string
	AskInvitation bool
	Invitation    string
	MinLength     int // of the password, in characters
	SignInURL     string
}

func (v SignUp) describe() description { return v.of("signup", say("signup.title")) }

// Permission is one scope that a client asks for.
type Permission struct {
	Scope string
	Text  string // the operator's words; "" for the standard scopes, whose words are here
}

// Consent asks whether the client may have what it asks for. The buttons are
// ActionGo and ActionCancel.
type Consent struct {
	Form
	Client      Client
	Email       string // whose data it is
	Permissions []Permission
	SwitchURL   string // to choose another account; may be ""
}

func (v Consent) describe() description {
	return v.of("consent", say("consent.title", "client", v.Client.Title()))
}

// Person is an account of this browser.
type Person struct {
	ID        string // what the button sends as FieldAccount
	Name      string // may be ""
	Email     string
	SignedOut bool // the password will be asked for
}

// Title is the name, or the e-mail where there is none.
func (p Person) Title() string {
	if name := clean(p.Name); name != "" {
		return name
	}
	return clean(p.Email)
}

// Accounts lets the person choose. Every button sends FieldAccount, or
// FieldAction with ActionOther.
type Accounts struct {
	Form
	Client *Client
	People []Person
}

func (v Accounts) describe() description { return v.of("accounts", say("accounts.title")) }

// DeviceEntry asks for the code that a device shows (RFC 8628, section 3.3).
type DeviceEntry struct {
	Form        // without a UserCode: the person types it
	Code string // what was typed
}

func (v DeviceEntry) describe() description { return v.of("device_entry", say("device.title")) }

// DeviceConfirm shows which application on which device would be let in (RFC
// 8628, section 5.4: the person is to make sure that the code is on a device
// of theirs). The buttons are ActionGo and ActionCancel.
type DeviceConfirm struct {
	Form        // with its UserCode
	Client      Client
	Email       string
	SwitchURL   string // to choose another account; may be ""
	Permissions []Permission
}

func (v DeviceConfirm) describe() description {
	return v.of("device_confirm", say("device.confirm.title", "client", v.Client.Title()))
}

// DeviceDone sends the person back to the device.
type DeviceDone struct {
	Client  Client
	Allowed bool
}

func (v DeviceDone) describe() description {
	if v.Allowed {
		return description{template: "device_done", title: say("device.allowed.title")}
	}
	return description{template: "device_done", title: say("device.denied.title")}
}

// LogoutConfirm asks before a logout that nobody proved to be wanted (OpenID
// Connect RP-Initiated Logout, section 2). The buttons are ActionGo and
// ActionCancel.
type LogoutConfirm struct {
	Form
	Client *Client // who asks, if that is known
	Email  string
}

func (v LogoutConfirm) describe() description {
	d := v.of("logout_confirm", say("logout.title"))
	d.policy.leadsOut = true // to the post_logout_redirect_uri
	return d
}

// SignedOut is the end of a logout that leads nowhere else.
type SignedOut struct {
	Client    *Client
	SignInURL string // "" for none
}

func (v SignedOut) describe() description {
	return description{template: "signed_out", title: say("signed_out.title")}
}
