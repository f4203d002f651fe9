package pages

// input is one field of a form, with its label and all that helps to fill it
// in.
type input struct {
	Name, Type   string
	Label        text
	Help         *text
	Value        string
	Autocomplete string // what a password manager or the browser fills in
	Keyboard     string // inputmode
	Capitals     string // autocapitalize
	Pattern      string // for the looks only: "code"
	Min, Max     int    // length; 0 is none
	Optional     bool
	ReadOnly     bool
	Focus        bool // it is where one starts
	Problem      *Problem
}

// Describers are the ids of what explains the field.
func (i input) Describers() string {
	switch {
	case i.Problem != nil && i.Help != nil:
		return i.Name + "-problem " + i.Name + "-help"
	case i.Problem != nil:
		return i.Name + "-problem"
	case i.Help != nil:
		return i.Name + "-help"
	}
	return ""
}

// focus starts in the fields, unless there are problems to be read first.
func (f Form) focus(here bool) bool { return here && len(f.Problems) == 0 }

func email(f Form, value string) input {
	return input{Name: FieldEmail, Type: "email", Label: say("field.email"), Value: value, Autocomplete: "username",
		Keyboard: "email", Capitals: "none", Focus: f.focus(value == ""), Problem: f.problem(FieldEmail)}
}

// EmailField is where one says who one is.
func (v SignIn) EmailField() input { return email(v.Form, v.Email) }

// PasswordField comes second, and first where the e-mail is known.
func (v SignIn) PasswordField() input {
	return input{Name: FieldPassword, Type: "password", Label: say("field.password"), Autocomplete: "current-password", Capitals: "none",
		Focus: v.focus(v.Email != ""), Problem: v.problem(FieldPassword)}
}

// Fields of the sign-up, in order.
func (v SignUp) Fields() []input {
	fields := []input{
		{Name: FieldName, Type: "text", Label: say("field.name"), Value: v.Name, Autocomplete: "name", Capitals: "words", Optional: true,
			Max: 200, Problem: v.problem(FieldName)},
		email(v.Form, v.Email),
		newPassword(v.Form, FieldPassword, v.MinLength),
	}
	if v.AskInvitation {
		fields = append(fields, input{Name: FieldInvitation, Type: "text", Label: say("field.invitation"), Value: v.Invitation,
			Autocomplete: "off", Capitals: "none", Problem: v.problem(FieldInvitation)})
	}
	return fields
}

func newPassword(f Form, name string, least int) input {
	help := say("field.new_password.help", "n", least)
	return input{Name: name, Type: "password", Label: say("field." + name), Help: &help, Autocomplete: "new-password", Capitals: "none",
		Min: least, Problem: f.problem(name)}
}

// CodeField takes the code of a device. No password manager knows it, and
// "one-time-code" would have it fill in a second factor.
func (v DeviceEntry) CodeField() input {
	help := say("field.user_code.help")
	return input{Name: FieldCode, Type: "text", Label: say("field.user_code"), Help: &help, Value: v.Code, Autocomplete: "off",
		Capitals: "characters", Pattern: "code", Max: 64, Focus: v.focus(true), Problem: v.problem(FieldCode)}
}

// NameField is the name on the account page.
func (v Account) NameField() input {
	return input{Name: FieldName, Type: "text", Label: say("field.name"), Value: v.Name, Autocomplete: "name", Capitals: "words", Optional: true,
		Max: 200, Problem: v.NameForm.problem(FieldName)}
}

// UserField lets a password manager know whose password changes.
func (v Account) UserField() input {
	return input{Name: FieldEmail, Type: "email", Label: say("field.email"), Value: v.Email, Autocomplete: "username", ReadOnly: true}
}

// CurrentField and NewField change the password.
func (v Account) CurrentField() input {
	return input{Name: FieldCurrent, Type: "password", Label: say("field.current_password"), Autocomplete: "current-password", Capitals: "none",
		Problem: v.PasswordForm.problem(FieldCurrent)}
}

func (v Account) NewField() input { return newPassword(v.PasswordForm, FieldNew, v.MinLength) }
