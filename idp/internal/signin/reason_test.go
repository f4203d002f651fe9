package signin

import (
	"errors"
	"strings"
	"testing"
)

func TestAProgramIsToldWhyAPasswordIsRefused(t *testing.T) {
	for password, want := range map[string]Reason{
		"":                       ReasonMissing,
		"short":                  ReasonShort,
		strings.Repeat("a9", 40): ReasonLong,
		"password1":              ReasonCommon,
		"ada@example.com":        ReasonEmail,
		"with a \x00 in it":      ReasonOdd,
		"not \xff UTF-8":         ReasonOdd,
	} {
		err := fieldError("new", checkNew(password, 8, "ada@example.com"))
		if err.Reason != want || err.Field != "new" || err.Problem == "" {
			t.Errorf("%q: %+v", password, err)
		}
	}
	if got := fieldError("new", errors.New("something else")); got.Reason != "" {
		t.Errorf("got %+v", got)
	}
}
