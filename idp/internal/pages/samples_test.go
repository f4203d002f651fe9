package pages

import (
	"net/url"
	"testing"
	"time"
)

// sample is a view as people meet it.
type sample struct {
	name string
	view View
}

var (
	moment    = time.Date(2026, 3, 5, 14, 7, 0, 0, time.UTC)
	listed    = Client{Name: "Tidy Notes", URI: "https://notes.example.com", Policy: "https://notes.example.com/privacy", Terms: "https://notes.example.com/terms"}
	stranger  = Client{Name: "Desk Assistant", Host: "assistant.example.net", Loopback: true}
	standards = []Permission{{Scope: "openid"}, {Scope: "profile"}, {Scope: "email"}, {Scope: "offline_access"}}
	every     = append(append([]Permission{}, standards...), Permission{Scope: "address"}, Permission{Scope: "phone"},
		Permission{Scope: "notes.write", Text: "Write and delete your notes"}, Permission{Scope: "unheard-of"})
)

func form(problems ...Problem) Form {
	return Form{Action: "/interact/x", CSRF: "csrf-value", Request: "request-handle", Problems: problems}
}

func ownForm(problems ...Problem) Form {
	return Form{Action: "/account/x", CSRF: "csrf-value", Problems: problems}
}

func deviceForm() Form {
	f := ownForm()
	f.Account, f.UserCode = "1", "BCDF-GHJK"
	return f
}

// samples holds every view in its states. A test looks that none is missing.
func samples() []sample {
	return []sample{
		{"signin", SignIn{Form: form(), Client: &listed, SignUpURL: "/signup?request=request-handle"}},
		{"signin-plain", SignIn{Form: ownForm()}},
		{"signin-hint", SignIn{Form: form(), Client: &listed, Email: "ada@example.com", SignUpURL: "/signup", AccountsURL: "/accounts"}},
		{"signin-wrong", SignIn{Form: form(WrongPassword), Client: &listed, Email: "ada@example.com", SignUpURL: "/signup"}},
		{"signin-fields", SignIn{Form: form(EmailMissing, PasswordMissing(FieldPassword)), Client: &listed, SignUpURL: "/signup"}},
		{"signin-throttled", SignIn{Form: form(Throttled(95 * time.Second)), Client: &listed, Email: "ada@example.com"}},
		{"signin-busy", SignIn{Form: form(Busy(time.Second)), Client: &listed, Email: "ada@example.com"}},
		{"signin-expired", SignIn{Form: form(FormExpired), Email: "ada@example.com"}},
		{"signin-again", SignIn{Form: form(), Client: &listed, Email: "ada@example.com", Again: true, AccountsURL: "/accounts"}},
		{"signin-notice", SignIn{Form: ownForm(), Notice: NoticePasswordChanged}},

		{"signup", SignUp{Form: form(), Client: &listed, MinLength: 8, SignInURL: "/signin?request=request-handle"}},
		{"signup-wrong", SignUp{Form: form(EmailTaken, PasswordShort(FieldPassword, 8), InvitationInvalid), Client: &listed, Email: "ada@example.com",
			Name: "Ada Lovelace", AskInvitation: true, Invitation: "X7", MinLength: 8, SignInURL: "/signin"}},
		{"signup-refused", SignUp{Form: ownForm(EmailInvalid, PasswordLong(FieldPassword), PasswordCommon(FieldPassword), PasswordIsEmail(FieldPassword),
			PasswordOdd(FieldPassword), NameTooLong, InvitationMissing, RegistrationClosed), MinLength: 12, AskInvitation: true}},

		{"consent", Consent{Form: form(), Client: listed, Email: "ada@example.com", Permissions: standards, SwitchURL: "/accounts"}},
		{"consent-stranger", Consent{Form: form(), Client: stranger, Email: "ada@example.com", Permissions: every}},
		{"consent-nameless", Consent{Form: form(), Client: Client{Host: "assistant.example.net"}, Email: "ada@example.com", Permissions: standards[:1]}},

		{"accounts", Accounts{Form: form(), Client: &listed, People: []Person{
			{ID: "1", Name: "Ada Lovelace", Email: "ada@example.com"}, {ID: "2", Email: "grace.hopper@a-rather-long-domain-name.example.org", SignedOut: true}}}},
		{"accounts-plain", Accounts{Form: ownForm(FormExpired), People: []Person{{ID: "1", Email: "ada@example.com"}}}},

		{"device-entry", DeviceEntry{Form: ownForm()}},
		{"device-entry-wrong", DeviceEntry{Form: ownForm(CodeUnknown), Code: "BCDF-GHJK"}},
		{"device-entry-empty", DeviceEntry{Form: ownForm(CodeMissing)}},
		{"device-confirm", DeviceConfirm{Form: deviceForm(), Client: listed, Email: "ada@example.com", Permissions: standards[:2]}},
		{"device-confirm-stranger", DeviceConfirm{Form: deviceForm(), Client: Client{Name: "TV", Host: "tv.example.net"}, Email: "ada@example.com"}},
		{"device-allowed", DeviceDone{Client: listed, Allowed: true}},
		{"device-denied", DeviceDone{Client: listed}},

		{"logout-confirm", LogoutConfirm{Form: form(), Client: &listed, Email: "ada@example.com"}},
		{"logout-confirm-plain", LogoutConfirm{Form: ownForm(), Email: "ada@example.com"}},
		{"signed-out", SignedOut{Client: &listed, SignInURL: "/signin"}},
		{"signed-out-plain", SignedOut{}},
		{"front-channel", FrontChannelLogout{Frames: []string{"https://notes.example.com/logout?iss=x&sid=1", "https://mail.example.com/out"}, ContinueURL: "com.example.app:/done"}},
		{"form-post", FormPost{Client: &listed, URL: "https://notes.example.com/callback", Params: url.Values{"code": {"abc"}, "state": {`"><script>`}}}},
		{"form-post-plain", FormPost{URL: "com.example.app:/callback", Params: url.Values{"error": {"access_denied"}}}},
		{"check-session", CheckSession{Cookie: "signet_state"}},

		{"error-request", Error{Failure: FailureRequest, Client: &listed, Code: "invalid_request", Detail: "redirect_uri is not one of the client's", RequestID: "ABCDEFGHIJ-1k"}},
		{"error-expired", Error{Failure: FailureExpired, Client: &listed}},
		{"error-forgery", Error{Failure: FailureForgery, ReturnURL: "/signin"}},
		{"error-notfound", Error{Failure: FailureNotFound}},
		{"error-busy", Error{Failure: FailureBusy, RetryAfter: 2 * time.Second}},
		{"error-server", Error{Failure: FailureServer, RequestID: "ABCDEFGHIJ-1k"}},

		{"account", account()},
		{"account-wrong", wrongAccount()},
		{"account-bare", Account{Email: "ada@example.com", Notice: NoticeAppRemoved, Devices: []Device{{Current: true, SignedInAt: moment}}}},
	}
}

func account() Account {
	return Account{
		Name: "Ada Lovelace", Email: "ada@example.com", EmailVerified: true, MinLength: 8, SwitchURL: "/accounts", Notice: NoticeNameSaved,
		NameForm: ownForm(), PasswordForm: ownForm(), DevicesForm: ownForm(), AppsForm: ownForm(), SignOutForm: ownForm(),
		Devices: []Device{
			{ID: "d1", Browser: "Firefox", System: "Linux", Address: "192.0.2.7", SignedInAt: moment, SeenAt: moment, Current: true},
			{ID: "d2", Browser: "Safari", System: "iPhone", Address: "2001:db8::17", SignedInAt: moment.AddDate(0, -2, 3), SeenAt: moment.Add(-time.Hour)},
			{ID: "d3", SignedInAt: moment.AddDate(0, -3, 0), SeenAt: moment.AddDate(0, -1, 0)},
			{ID: "d4", Browser: "Edge", SignedInAt: moment.AddDate(0, -3, 0), SeenAt: moment.AddDate(0, -1, 0)},
		},
		Apps: []App{
			{ID: "a1", Client: listed, Permissions: standards, GrantedAt: moment.AddDate(-1, 0, 0), UsedAt: moment},
			{ID: "a2", Client: stranger, Permissions: every[6:], GrantedAt: moment},
		},
	}
}

func wrongAccount() Account {
	a := account()
	a.Name, a.EmailVerified, a.Notice, a.Apps = "", false, NoticeNone, nil
	a.Devices = a.Devices[:1]
	a.PasswordForm = ownForm(CurrentWrong, CurrentMissing, PasswordShort(FieldNew, 8))
	return a
}

func newPages(t *testing.T, o Options) *Pages {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
