package pages

import "time"

// Notice says above a page what has just happened.
type Notice string

// The notices.
const (
	NoticeNone            Notice = ""
	NoticeNameSaved       Notice = "name_saved"
	NoticePasswordChanged Notice = "password_changed"
	NoticeSignedOut       Notice = "signed_out" // a device
	NoticeAllSignedOut    Notice = "all_signed_out"
	NoticeAppRemoved      Notice = "app_removed"
)

// Device is a browser in which the person is signed in.
type Device struct {
	ID         string // what its button sends as FieldID
	Browser    string // as Agent tells; "" is unknown
	System     string
	Address    string
	SignedInAt time.Time
	SeenAt     time.Time
	Current    bool // the one that shows this page
}

// Title names the device as well as it is known.
func (d Device) Title() text {
	browser, system := clean(d.Browser), clean(d.System)
	switch {
	case browser != "" && system != "":
		return say("device.browser_on", "browser", browser, "system", system)
	case browser != "" || system != "":
		return say("device.plain", "name", browser+system)
	}
	return say("device.unknown")
}

// App is a client with a grant of the person.
type App struct {
	ID          string // what its button sends as FieldID
	Client      Client
	Permissions []Permission
	GrantedAt   time.Time
	UsedAt      time.Time // zero where it is not known
}

// Account is the person's own page. A form whose Action is empty is left out.
type Account struct {
	Name, Email   string
	EmailVerified bool
	MinLength     int    // of a password, in characters
	SwitchURL     string // to another account
	Notice        Notice

	NameForm     Form // FieldName
	PasswordForm Form // FieldCurrent, FieldNew
	DevicesForm  Form // FieldID, or ActionAll
	AppsForm     Form // FieldID
	SignOutForm  Form // of this device

	Devices []Device
	Apps    []App
}

func (v Account) describe() description {
	d := description{template: "account", title: say("account.title")}
	for _, f := range []Form{v.NameForm, v.PasswordForm, v.DevicesForm, v.AppsForm, v.SignOutForm} {
		d.wrong = d.wrong || len(f.Problems) > 0
	}
	return d
}

// Others reports whether the person is signed in elsewhere.
func (v Account) Others() bool {
	for _, d := range v.Devices {
		if !d.Current {
			return true
		}
	}
	return false
}
