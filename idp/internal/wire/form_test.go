package wire

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const formType = "application/x-www-form-urlencoded"

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/?query=x", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func TestAFormIsRead(t *testing.T) {
	for _, contentType := range []string{formType, formType + "; charset=utf-8", "Application/X-WWW-Form-URLEncoded"} {
		f, err := ReadForm(post(contentType, "a=1&empty=&b=x%20y&resource=r1&resource=&resource=r2&empty="))
		if err != nil {
			t.Fatalf("%s: %v", contentType, err)
		}
		if f.Get("a") != "1" || f.Get("b") != "x y" || f.Has("empty") || f.Has("query") || len(f.Names()) != 3 ||
			!slices.Equal(f.All("resource"), []string{"r1", "r2"}) {
			t.Errorf("%s: got %v", contentType, f.values)
		}
	}
}

func TestAFormIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ contentType, body, description string }{
		"of another media type":            {"application/json", "a=1", "the body must be sent with Content-Type: application/x-www-form-urlencoded"},
		"with a parameter twice":           {formType, "a=1&b=&a=2", "a: the parameter is there more than once"},
		"with the same value twice":        {formType, "a=1&a=1", "a: the parameter is there more than once"},
		"with a value that is not UTF-8":   {formType, "a=%ff", "a parameter is not UTF-8"},
		"with a name that is not UTF-8":    {formType, "%ff=a", "a parameter is not UTF-8"},
		"with an escape that is none":      {formType, "a=%zz", "the body is no valid form"},
		"with a semicolon for a separator": {formType, "a=1;b=2", "the body is no valid form"},
	} {
		_, err := ReadForm(post(c.contentType, c.body))
		var e *Error
		if !errors.As(err, &e) || e.Status != http.StatusBadRequest || e.Description != c.description {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The length of a body is what its sender says: none, the right one, or one
// that the server has not held the body to.
func TestABodyIsReadWholeWhateverItsLengthIsSaidToBe(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 4096, 4097, 60_000} {
		for _, said := range []int64{-1, 0, int64(size), 1 << 40} {
			want := strings.Repeat("x", size)
			r := post(formType, "")
			r.Body, r.ContentLength = http.MaxBytesReader(nil, io.NopCloser(iotest.OneByteReader(strings.NewReader(want))), 64<<10), said
			got, err := readBody(r)
			if err != nil || string(got) != want {
				t.Errorf("%d bytes, of which %d were promised: got %d, %v", size, said, len(got), err)
			}
		}
	}
}

func TestAFormLeavesTheValuesAsTheyWere(t *testing.T) {
	values := url.Values{"a": {"1"}, "empty": {""}, "resource": {"", "r", ""}}
	before := url.Values{"a": {"1"}, "empty": {""}, "resource": {"", "r", ""}}
	f, err := NewForm(values)
	if err != nil || !slices.Equal(f.All("resource"), []string{"r"}) || f.Has("empty") {
		t.Errorf("got %v, %v", f.values, err)
	}
	if !maps.EqualFunc(values, before, slices.Equal) {
		t.Errorf("they are %v now", values)
	}
}
