package pages

import (
	"fmt"
	"html/template"
	"net/url"
	"time"
)

// Failure is what went wrong, as far as it matters to the person.
type Failure string

// The failures, each with its own advice.
const (
	FailureRequest  Failure = "request"  // the client's request is not valid
	FailureExpired  Failure = "expired"  // the sign-in took too long, or was finished elsewhere
	FailureForgery  Failure = "forgery"  // the form did not come from our page, or without its cookie
	FailureNotFound Failure = "notfound" // there is nothing at this address
	FailureBusy     Failure = "busy"     // ours, and it passes
	FailureServer   Failure = "server"   // ours
)

// Error is a page for what cannot go on.
type Error struct {
	Failure    Failure
	Client     *Client
	Code       string        // the error code of the protocol, for the client's makers
	Detail     string        // what is wrong, in English, for the same
	RequestID  string        // leads to it in the log
	RetryAfter time.Duration // of FailureBusy; 0 is soon
	ReturnURL  string        // a page of ours from which to go on; "" for none
}

func (v Error) describe() description {
	return description{template: "error", title: say("error." + string(v.Failure) + ".title"), wrong: true}
}

// Advice tells what to do now.
func (v Error) Advice() text {
	key := "error." + string(v.Failure) + ".advice"
	if v.Failure == FailureBusy {
		return say(key, "wait", max(v.RetryAfter, time.Second))
	}
	return say(key)
}

// FormPost hands an answer to the client through the browser (OAuth 2.0 Form
// Post Response Mode).
type FormPost struct {
	Client *Client
	URL    string // the redirect URI
	Params url.Values
}

func (v FormPost) describe() description {
	return description{template: "form_post", title: say("form_post.title"), policy: policy{leadsOut: true}}
}

func (v FormPost) check() error {
	if !destination(v.URL) {
		return fmt.Errorf("pages: no answer can be posted there")
	}
	return nil
}

// Target is a URL that check has let pass, of whatever scheme.
func (v FormPost) Target() template.URL { return template.URL(v.URL) }

// FrontChannelLogout tells the clients that the person is gone (OpenID Connect
// Front-Channel Logout, section 3) and then leads on.
type FrontChannelLogout struct {
	Frames      []string // the clients' frontchannel_logout_uris, complete
	ContinueURL string   // the post-logout redirect URI, or a page of ours
}

func (v FrontChannelLogout) describe() description {
	d := description{template: "front_channel", title: say("front_channel.title")}
	seen := map[string]bool{}
	for _, f := range v.Frames {
		if s := source(f); s != "" && !seen[s] {
			seen[s] = true
			d.policy.frames = append(d.policy.frames, s)
		}
	}
	return d
}

func (v FrontChannelLogout) check() error {
	u, err := url.Parse(v.ContinueURL)
	if err != nil || u.IsAbs() && !destination(v.ContinueURL) {
		return fmt.Errorf("pages: nothing can lead there")
	}
	for _, f := range v.Frames {
		if source(f) == "" {
			return fmt.Errorf("pages: what is no http or https URL cannot be framed")
		}
	}
	return nil
}

// Target is a URL that check has let pass, of whatever scheme.
func (v FrontChannelLogout) Target() template.URL { return template.URL(v.ContinueURL) }

// CheckSession is the check_session_iframe (OpenID Connect Session Management,
// section 3.2). Nobody sees it.
type CheckSession struct {
	Cookie string // the name of the cookie that holds the browser state
}

func (v CheckSession) describe() description {
	return description{template: "check_session", title: say("check_session.title"), policy: policy{framed: true}}
}
