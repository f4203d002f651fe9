package data

import (
	"strings"
	"time"
)

// Authorization is what a person, or a policy, allowed a client to do. A code
// carries it to the grant that it is redeemed for.
type Authorization struct {
	Client   string   `json:"client"`
	User     UserID   `json:"user"`
	Epoch    uint64   `json:"epoch"` // the user's, when the person was checked
	Scope    string   `json:"scope,omitzero"`
	Audience []string `json:"audience,omitzero"`

	// Account is the account of the browser session that the person was signed
	// in with ("": none), and SID is how ID and logout tokens name it to this
	// client. A grant that is Offline goes on when that account is signed out
	// (OpenID Connect Core, section 11); of another none can be made after it.
	Account string `json:"account,omitzero"`
	SID     string `json:"sid,omitzero"`
	Offline bool   `json:"offline,omitzero"`

	AuthTime time.Time `json:"auth_time"` // when the person proved to be the user
	AMR      []string  `json:"amr,omitzero"`
	ACR      string    `json:"acr,omitzero"`

	Claims string `json:"claims,omitzero"` // the claims parameter, checked (Core, section 5.5)
	JKT    string `json:"jkt,omitzero"`    // the client's DPoP key (RFC 9449, section 10)
}

// Code is an authorization code that was given out (RFC 6749, section 4.1.2).
// Grant is what it was redeemed for: it is kept until the code's end, so that
// a second use is known for what it is.
type Code struct {
	V           int    `json:"v"`
	Hash        Hash   `json:"hash"`
	RedirectURI string `json:"redirect_uri"`
	// SentURI says that the request named the redirect URI, so that the token
	// request must name it too (RFC 6749, section 4.1.3).
	SentURI   bool   `json:"sent_uri,omitzero"`
	Challenge string `json:"challenge,omitzero"` // PKCE, S256 (RFC 7636, section 4.4)
	Nonce     string `json:"nonce,omitzero"`     // for the ID token

	Authorization Authorization `json:"authorization"`
	Grant         GrantID       `json:"grant,omitzero"`
	ExpiresAt     time.Time     `json:"expires_at"`
}

func (c *Code) kind() string   { return "code" }
func (c *Code) version() *int  { return &c.V }
func (c *Code) place() Hash    { return c.Hash }
func (c *Code) end() time.Time { return c.ExpiresAt }

// RequestPrefix begins the handle of a stored request.
const RequestPrefix = "signet_rq_"

// Request is an authorization request on its way: pushed (RFC 9126), sent by a
// page of another site, or waiting for a person. Its parameters are kept as
// they came, and read again at each step; what the person did is beside them.
type Request struct {
	V      int                 `json:"v"`
	Hash   Hash                `json:"hash"` // of its handle
	Client string              `json:"client"`
	Params map[string][]string `json:"params"`
	Pushed bool                `json:"pushed,omitzero"` // by the client, which was authenticated
	Signed bool                `json:"signed,omitzero"` // they come from a request object (RFC 9101)
	Logout bool                `json:"logout,omitzero"` // it is no authorization request, but asks for a logout
	JKT    string              `json:"jkt,omitzero"`    // of the DPoP proof that was pushed with it

	Browser Hash `json:"browser,omitzero"` // the browser it belongs to, once it has been there

	// What the person did since the request came.
	Account   string    `json:"account,omitzero"`   // the account of the session that was chosen
	SignedIn  time.Time `json:"signed_in,omitzero"` // when the password was proved for this request
	Consented bool      `json:"consented,omitzero"`
	Scope     string    `json:"scope,omitzero"` // what was allowed, with Consented
	Declined  bool      `json:"declined,omitzero"`

	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (r *Request) kind() string   { return "request" }
func (r *Request) version() *int  { return &r.V }
func (r *Request) place() Hash    { return r.Hash }
func (r *Request) end() time.Time { return r.ExpiresAt }

// Choose notes the account of the session that goes on with the request. What
// another one proved or allowed before is forgotten.
func (r *Request) Choose(account string) {
	if r.Account != account {
		r.Account, r.SignedIn, r.Consented, r.Scope = account, time.Time{}, false, ""
	}
}

// Decision is what a person said to a device (RFC 8628, section 3.3).
type Decision string

// The decisions; "" is none yet.
const (
	Undecided Decision = ""
	Allowed   Decision = "allowed"
	Denied    Decision = "denied"
)

// Device is a device authorization request (RFC 8628, section 3.1), under the
// hash of its device code.
type Device struct {
	V        int    `json:"v"`
	Hash     Hash   `json:"hash"`
	UserCode Hash   `json:"user_code"`
	Client   string `json:"client"`

	// Asked for.
	Scope    string   `json:"scope,omitzero"`
	Audience []string `json:"audience,omitzero"`

	Decision      Decision      `json:"decision,omitzero"`
	Authorization Authorization `json:"authorization,omitzero"` // when Allowed
	Grant         GrantID       `json:"grant,omitzero"`         // what it was redeemed for

	Interval  int       `json:"interval"` // seconds between polls
	PolledAt  time.Time `json:"polled_at,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (d *Device) kind() string   { return "device" }
func (d *Device) version() *int  { return &d.V }
func (d *Device) place() Hash    { return d.Hash }
func (d *Device) end() time.Time { return d.ExpiresAt }

// UserCode leads from the code that a person types to its device.
type UserCode struct {
	V         int       `json:"v"`
	Hash      Hash      `json:"hash"`
	Device    Hash      `json:"device"`
	ExpiresAt time.Time `json:"expires_at"`
}

// HashOfUserCode hashes a user code as a person may type it: neither the case
// nor anything between the letters matters (RFC 8628, section 6.1).
func HashOfUserCode(typed string) Hash { return HashOf("user code " + userCodeLetters(typed)) }

// ShowUserCode is a user code as the device shows it, however it was typed: the
// person is asked to compare the two.
func ShowUserCode(typed string) string {
	letters := userCodeLetters(typed)
	half := len(letters) / 2
	return letters[:half] + "-" + letters[half:]
}

func userCodeLetters(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, typed)
}

func (u *UserCode) kind() string   { return "user code" }
func (u *UserCode) version() *int  { return &u.V }
func (u *UserCode) place() Hash    { return u.Hash }
func (u *UserCode) end() time.Time { return u.ExpiresAt }

// InitialToken lets a client register itself (RFC 7591, section 3).
type InitialToken struct {
	V         int       `json:"v"`
	Hash      Hash      `json:"hash"`
	Note      string    `json:"note,omitzero"` // whom it was made for
	Uses      int       `json:"uses"`          // how often it may still be used
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (t *InitialToken) kind() string   { return "initial token" }
func (t *InitialToken) version() *int  { return &t.V }
func (t *InitialToken) place() Hash    { return t.Hash }
func (t *InitialToken) end() time.Time { return t.ExpiresAt }
