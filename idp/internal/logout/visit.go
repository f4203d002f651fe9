package logout

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"signet/idp/internal/client"
	"signet/idp/internal/pages"
	"signet/idp/internal/session"
)

// who finds out whose logout this is: one account, or all. It is sure where the hint is of this very
// session; else the person has to be asked (section 2: without a hint, or with
// one that is not of the session that the client knows).
func (v *visit) who() (who []session.Account, sure bool) {
	all := v.session.Accounts
	if h := v.asked.hint; h != nil {
		if i := slices.IndexFunc(all, v.isSession(h.SID)); i >= 0 {
			return all[i : i+1], true
		}
		if i := slices.IndexFunc(all, v.isSubject(h.Subject)); i >= 0 {
			return all[i : i+1], h.SID == ""
		}
	}
	if said := v.asked.form.Get(paramWho); said != "" {
		i := slices.IndexFunc(all, func(a session.Account) bool {
			return strings.EqualFold(a.Person.Email, said) || v.isSession(said)(a) || v.isSubject(said)(a)
		})
		if i >= 0 {
			return all[i : i+1], false
		}
	}
	told := func(a session.Account) bool { return slices.Contains(a.Clients, v.asked.named) }
	if i := slices.IndexFunc(all, told); i >= 0 {
		return all[i : i+1], false
	}
	return all, false
}

func (v *visit) isSession(sid string) func(session.Account) bool {
	return func(a session.Account) bool {
		return sid != "" && v.asked.named != "" && v.Sessions.SID(a.Account, v.asked.named) == sid
	}
}

func (v *visit) isSubject(sub string) func(session.Account) bool {
	return func(a session.Account) bool {
		return v.asked.client != nil && v.Clients.Subject(v.asked.client, a.User) == sub
	}
}

// ask shows the page that asks. Its form leads to Confirm, with the question in
// its URL.
func (v *visit) ask(who []session.Account) error {
	query := v.asked.params()
	if v.handle != "" {
		query = url.Values{paramRequest: {v.handle}}
	}
	var emails []string
	for _, a := range who {
		emails = append(emails, a.Person.Email)
	}
	if len(who) == 1 {
		query.Set(pages.FieldAccount, who[0].ID)
	}
	action := v.Base + pathConfirm
	if len(query) > 0 {
		action += "?" + query.Encode()
	}
	w, r := v.c.Response(), v.c.Request()
	return v.Pages.Render(w, http.StatusOK, v.lang, pages.LogoutConfirm{
		Form:   pages.Form{Action: action, CSRF: v.Sessions.CSRF(v.Sessions.Browser(w, r))},
		Client: v.shown(), Email: strings.Join(emails, ", "),
	})
}

// shown is the client as people see it.
func (v *visit) shown() *pages.Client {
	c := v.asked.client
	if c == nil {
		return nil
	}
	shown := pages.Client{Name: c.Name}
	if name := c.Names[string(v.lang)]; name != "" {
		shown.Name = name
	}
	if c.Source == client.Registered || c.Source == client.Document {
		shown.Host = hostOf(c, v.asked.form.Get(paramRedirect))
	}
	if shown.Name == "" && shown.Host == "" {
		shown.Name = c.ID
	}
	return &shown
}

// hostOf is where the client is, as far as it is known: where the person goes
// afterwards. What else a stranger registered may be anybody's.
func hostOf(c *client.Client, target string) string {
	if host := c.Host(); host != "" {
		return host
	}
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		return u.Host
	}
	return c.ID
}

// signOut signs them out and does what follows. What of that fails is done
// later: nobody is told that they are still signed in when they are not.
func (v *visit) signOut(who []session.Account) error {
	ctx := v.c.Request().Context()
	id := "" // all
	if len(who) == 1 {
		id = who[0].ID
	}
	left, err := v.Sessions.SignOut(ctx, v.c.Response(), v.c.Request(), id)
	if err != nil {
		return err
	}
	frames, err := v.SignOuts.SignOut(context.WithoutCancel(ctx), left)
	if err != nil {
		v.Logger.Error("what follows a sign-out failed, and is tried again", "error", err)
	}
	return v.leave(frames)
}

// leave goes on to the client, if that is where to go, and tells the others on
// the way (Front-Channel Logout, section 3).
func (v *visit) leave(frames []string) error {
	target := v.Base + pathSignedOut
	if v.asked.target != "" && (v.confirmed || v.asked.vouched()) {
		target = v.asked.target
	}
	if len(frames) > 0 {
		return v.Pages.Render(v.c.Response(), http.StatusOK, v.lang, pages.FrontChannelLogout{Frames: frames, ContinueURL: target})
	}
	return v.c.Redirect(http.StatusSeeOther, target)
}
