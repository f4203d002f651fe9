package signin

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNewPasswords(t *testing.T) {
	for _, tt := range []struct{ name, password, problem string }{
		{"a phrase", good, ""},
		{"eight characters of two bytes", "äöüÄÖÜßé", ""},
		{"72 bytes", strings.Repeat("abcdefgh", 9), ""},
		{"joined emoji", "👩‍👩‍👧‍👦 at home", ""},
		{"spaces at the ends", " padded pass ", ""},
		{"nothing", "", "must not be empty"},
		{"seven characters", "sevench", "must have at least 8 characters"},
		{"seven that are eight before they are composed", "abcdefu\u0308", "must have at least 8 characters"},
		{"73 bytes", strings.Repeat("abcdefgh", 9) + "i", "must have at most 72 bytes"},
		{"36 letters of two bytes and one more", strings.Repeat("ä", 37), "must have at most 72 bytes"},
		{"a NUL", "hidden\x00tail", "must not contain a NUL"},
		{"bytes that are no text", "latin \xe4\xf6\xfc", "must be valid UTF-8"},
		{"a common one", "password1", "most common"},
		{"a common one in capitals", "PassWord1", "most common"},
		{"one character again and again", "ääääääääää", "most common"},
		{"the e-mail", ana, "must not be the e-mail"},
		{"the e-mail in capitals", "ANA.maria@EXAMPLE.com", "must not be the e-mail"},
		{"the name in the e-mail", "ana.maria", "must not be the e-mail"},
	} {
		err := checkNew(tt.password, defaultMinLength, ana, "ana.maria@example.com")
		switch {
		case tt.problem == "" && err != nil:
			t.Errorf("%s is refused: %v", tt.name, err)
		case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
			t.Errorf("%s gave %v, want %q", tt.name, err, tt.problem)
		}
	}
}

func TestTheListOfCommonPasswords(t *testing.T) {
	if len(common()) < 8000 {
		t.Errorf("it has %d words", len(common()))
	}
	for word := range common() {
		if utf8.RuneCountInString(word) < defaultMinLength && len(word) < defaultMinLength {
			t.Errorf("%q is too short to matter", word)
		}
		if word != strings.ToLower(word) || word != strings.TrimSpace(word) {
			t.Errorf("%q can never match", word)
		}
	}
}

func TestOnePasswordInTwoUnicodeFormsIsOne(t *testing.T) {
	h := realBcrypt{}
	hash, err := h.hash(normal("u\u0308bermut!"), MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if !prove(h, hash, "\u00fcbermut!", MinCost) || !prove(h, hash, "u\u0308bermut!", MinCost) {
		t.Error("one of the two was refused")
	}
}

func TestAnErrorNeverQuotesThePassword(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringMatching(`[A-Z]{3,90}Z9`).Draw(t, "password")
		if err := checkNew(password, 20, password+"@x.example"); err != nil && strings.Contains(err.Error(), password) {
			t.Fatalf("%q is in %v", password, err)
		}
	})
}

func FuzzPassword(f *testing.F) {
	f.Add("password", ana)
	f.Add("u\u0308ber\x00", "")
	f.Fuzz(func(t *testing.T, password, email string) {
		if checkNew(password, defaultMinLength, email) != nil {
			return
		}
		n := normal(password)
		if len(n) > maxPassword || utf8.RuneCountInString(n) < defaultMinLength || !utf8.ValidString(n) || strings.Contains(n, "\x00") {
			t.Fatalf("%q was accepted", password)
		}
		if checkNew(n, defaultMinLength, email) != nil || normal(n) != n {
			t.Fatalf("%q is good and its normal form is not", password)
		}
		if usable(password) != nil {
			t.Fatalf("%q is good for registering and not for logging in", password)
		}
	})
}
