package signin

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxPassword is what bcrypt reads, in bytes. A longer password is refused,
// since the rest of it would count for nothing.
const maxPassword = 72

// defaultMinLength is the shortest new password, in characters, unless
// Options says otherwise.
const defaultMinLength = 8

// FieldError names a field of a request and what is wrong with it, in words
// for the person who filled it in.
type FieldError struct {
	Field   string // "email", "password", "new" or "invitation"
	Problem string // "must have at least 8 characters"
	Reason  Reason // the same for a program, which has words of its own
}

// Reason is why a field was refused; "" is none of these.
type Reason string

// The reasons.
const (
	ReasonMissing Reason = "missing"
	ReasonShort   Reason = "short"
	ReasonLong    Reason = "long"
	ReasonCommon  Reason = "common"
	ReasonEmail   Reason = "email" // a password that is the e-mail
	ReasonOdd     Reason = "odd"   // no UTF-8, or a NUL
)

// refusal is what is wrong with a password.
type refusal struct {
	reason  Reason
	problem string
}

func (r *refusal) Error() string { return r.problem }

func refuse(reason Reason, format string, args ...any) error {
	return &refusal{reason, fmt.Sprintf(format, args...)}
}

// fieldError says that a password was refused, in the field where it was.
func fieldError(field string, err error) *FieldError {
	e := &FieldError{Field: field, Problem: err.Error()}
	var r *refusal
	if errors.As(err, &r) {
		e.Reason = r.reason
	}
	return e
}

func (e *FieldError) Error() string { return "signin: " + e.Field + " " + e.Problem }

//go:embed common.txt
var commonText string

// common holds the common passwords, in lower case.
var common = sync.OnceValue(func() map[string]struct{} {
	set := make(map[string]struct{})
	for line := range strings.Lines(commonText) {
		if word := strings.TrimSuffix(line, "\n"); word != "" && !strings.HasPrefix(word, "# ") {
			set[word] = struct{}{}
		}
	}
	return set
})

// normal is the form in which a password is counted and hashed: NFC, so that
// what two keyboards spell differently is one password. It is that rule of RFC
// 8265 §4.2.2 and no more: the others of OpaqueString refuse what is not
// assigned in this program's tables and emoji that are joined, and a password
// must never stop working because a library was updated.
func normal(password string) string { return norm.NFC.String(password) }

// usable says what makes a password one that nobody can have.
func usable(password string) error {
	switch {
	case !utf8.ValidString(password):
		return refuse(ReasonOdd, "must be valid UTF-8")
	case strings.ContainsRune(password, 0):
		return refuse(ReasonOdd, "must not contain a NUL character")
	case len(normal(password)) > maxPassword:
		return refuse(ReasonLong, "must have at most %d bytes (letters beyond a-z take two or more)", maxPassword)
	}
	return nil
}

// checkNew says what is wrong with a new password of the person with these
// names (the e-mail in its forms), or nil. It never quotes the password.
func checkNew(password string, minLength int, names ...string) error {
	if password == "" {
		return refuse(ReasonMissing, "must not be empty")
	}
	if err := usable(password); err != nil {
		return err
	}
	password = normal(password)
	if utf8.RuneCountInString(password) < minLength {
		return refuse(ReasonShort, "must have at least %d characters", minLength)
	}
	folded := strings.ToLower(password)
	if _, found := common()[folded]; found || oneRune(password) {
		return refuse(ReasonCommon, "is one of the most common passwords, which are guessed first")
	}
	for _, name := range names {
		local, _, _ := strings.Cut(name, "@")
		if name != "" && (folded == strings.ToLower(normal(name)) || folded == strings.ToLower(normal(local))) {
			return refuse(ReasonEmail, "must not be the e-mail address")
		}
	}
	return nil
}

// oneRune reports whether s is one character again and again.
func oneRune(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	return strings.Count(s, string(first))*size == len(s)
}
