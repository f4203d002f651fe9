package interact

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/config"
	"signet/idp/internal/pages"
	"signet/idp/internal/session"
	"signet/idp/internal/signin"
)

// add says, in the URL of the sign-in page, that another account is wanted.
const add = "add"

// ShowSignIn answers GET /sign-in.
func (a *API) ShowSignIn(c echo.Context) error {
	return a.open(c, func(v *visit) error {
		if v.asked == nil && len(v.session.Accounts) > 0 && !v.form.Has(add) {
			return v.goOn(v.session.Accounts[0].ID)
		}
		email := v.hint()
		if account, ok := v.expected(); ok {
			email = account.Person.Email
		}
		return v.render(http.StatusOK, v.signInPage(email))
	})
}

// hint is the e-mail that the page begins with.
func (v *visit) hint() string {
	if v.asked == nil {
		return ""
	}
	return v.asked.LoginHint
}

// expected is the account of the browser that was chosen, and must prove itself
// once more. Its e-mail is filled in, and can be changed: somebody else may be
// at the keyboard, and a program that fills in the form (as the OpenID
// certification tests do) need not know which of the two pages it is on.
func (v *visit) expected() (session.Account, bool) {
	if v.asked == nil || v.asked.record.Account == "" {
		return session.Account{}, false
	}
	return v.session.Account(v.asked.record.Account)
}

func (v *visit) signInPage(email string, problems ...pages.Problem) pages.SignIn {
	page := pages.SignIn{Form: v.formTo(pathSignIn, problems...), Client: v.askedBy(), Email: email}
	if v.Config.Registration != config.RegistrationClosed {
		page.SignUpURL = v.link(pathSignUp)
	}
	if len(v.session.Accounts) > 0 {
		page.AccountsURL = v.link(pathAccounts)
	}
	if _, again := v.expected(); again {
		page.Again, page.SignUpURL = true, ""
	}
	return page
}

// DoSignIn answers POST /sign-in.
func (a *API) DoSignIn(c echo.Context) error { return a.submit(c, (*visit).signIn) }

func (v *visit) signIn() error {
	if v.cancelled() {
		return v.decline()
	}
	email, password := v.form.Get(pages.FieldEmail), v.form.Get(pages.FieldPassword)
	if missing := missing(email, password, pages.FieldPassword); len(missing) > 0 {
		return v.render(http.StatusUnprocessableEntity, v.signInPage(email, missing...))
	}
	result, err := v.API.SignIn.Login(v.ctx(), signin.LoginRequest{
		Email: email, Password: password, Addr: address(v.c), Known: v.knownBy(v.c.Request()),
	})
	if err != nil {
		status, problem, ok := v.problem(err, pages.FieldPassword)
		if !ok {
			return err
		}
		return v.render(status, v.signInPage(email, problem))
	}
	v.remember(v.c.Response(), result.KnownCookie)
	return v.enter(result.User)
}

// missing is said of all empty fields at once.
func missing(email, password, field string) (problems []pages.Problem) {
	if email == "" {
		problems = append(problems, pages.EmailMissing)
	}
	if password == "" {
		problems = append(problems, pages.PasswordMissing(field))
	}
	return problems
}

// enter signs the person in to this browser, and leads on.
func (v *visit) enter(user data.User) error {
	account, _, err := v.Sessions.SignIn(v.ctx(), v.c.Response(), v.c.Request(), user, []string{amrPassword})
	if err != nil {
		return err
	}
	if v.asked == nil {
		return v.goOn(account.ID)
	}
	return v.note(func(r *data.Request) {
		r.Choose(account.ID)
		r.SignedIn = v.Now()
	})
}

// cancelled tells whether the person would rather not go on with a request.
func (v *visit) cancelled() bool {
	return v.asked != nil && v.form.Get(pages.FieldAction) == pages.ActionCancel
}

func (v *visit) decline() error {
	return v.note(func(r *data.Request) { r.Declined, r.Consented = true, false })
}

// ShowSignUp answers GET /sign-up.
func (a *API) ShowSignUp(c echo.Context) error {
	return a.open(c, func(v *visit) error {
		page := v.signUpPage(v.hint(), "")
		if v.Config.Registration == config.RegistrationClosed {
			page.Problems = []pages.Problem{pages.RegistrationClosed}
			return v.render(http.StatusForbidden, page)
		}
		return v.render(http.StatusOK, page)
	})
}

func (v *visit) signUpPage(email, name string, problems ...pages.Problem) pages.SignUp {
	return pages.SignUp{
		Form: v.formTo(pathSignUp, problems...), Client: v.askedBy(), Email: email, Name: name,
		AskInvitation: v.Config.Registration == config.RegistrationInvitation || v.form.Has(pages.FieldInvitation),
		Invitation:    v.form.Get(pages.FieldInvitation), MinLength: v.Config.Passwords.MinLength, SignInURL: v.link(pathSignIn),
	}
}

// DoSignUp answers POST /sign-up: a new person, who is signed in.
func (a *API) DoSignUp(c echo.Context) error { return a.submit(c, (*visit).signUp) }

func (v *visit) signUp() error {
	if v.cancelled() {
		return v.decline()
	}
	email, password := v.form.Get(pages.FieldEmail), v.form.Get(pages.FieldPassword)
	name, problems := readName(v.form.Get(pages.FieldName))
	if problems = append(problems, missing(email, password, pages.FieldPassword)...); len(problems) > 0 {
		return v.render(http.StatusUnprocessableEntity, v.signUpPage(email, v.form.Get(pages.FieldName), problems...))
	}
	user, err := v.API.SignIn.Register(v.ctx(), signin.RegisterRequest{
		Email: email, Password: password, Name: name, Invitation: v.form.Get(pages.FieldInvitation), Addr: address(v.c),
	})
	if err != nil {
		status, problem, ok := v.problem(err, pages.FieldPassword)
		if !ok {
			return err
		}
		return v.render(status, v.signUpPage(email, name, problem))
	}
	return v.enter(user)
}
