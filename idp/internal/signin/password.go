package signin

import (
	_ "embed"
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
		return fmt.Errorf("must be valid UTF-8")
	case strings.ContainsRune(password, 0):
		return fmt.Errorf("must not contain a NUL character")
	case len(normal(password)) > maxPassword:
		return fmt.Errorf("must have at most %d bytes (letters beyond a-z take two or more)", maxPassword)
	}
	return nil
}

// checkNew says what is wrong with a new password of the person with these
// names (the e-mail in its forms), or nil. It never quotes the password.
func checkNew(password string, minLength int, names ...string) error {
	if password == "" {
		return fmt.Errorf("must not be empty")
	}
	if err := usable(password); err != nil {
		return err
	}
	password = normal(password)
	if utf8.RuneCountInString(password) < minLength {
		return fmt.Errorf("must have at least %d characters", minLength)
	}
	folded := strings.ToLower(password)
	if _, found := common()[folded]; found || oneRune(password) {
		return fmt.Errorf("is one of the most common passwords, which are guessed first")
	}
	for _, name := range names {
		local, _, _ := strings.Cut(name, "@")
		if name != "" && (folded == strings.ToLower(normal(name)) || folded == strings.ToLower(normal(local))) {
			return fmt.Errorf("must not be the e-mail address")
		}
	}
	return nil
}

// oneRune reports whether s is one character again and again.
func oneRune(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	return strings.Count(s, string(first))*size == len(s)
}
