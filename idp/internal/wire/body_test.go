package wire

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type person struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

func TestABodyIsRefused(t *testing.T) {
	cases := []struct {
		name, contentType, body string
		status                  int
		description             string
	}{
		{"that is empty", "application/json", "", 400, "the body is empty; a JSON object was expected"},
		{"that is white space", "application/json", " \n", 400, "the body is empty; a JSON object was expected"},
		{"that is no JSON", "application/json", "email=a", 400, "the body is not valid JSON"},
		{"that is cut off", "application/json", `{"email":"a"`, 400, "the body is not valid JSON, from byte 12 on"},
		{"that goes on after the object", "application/json", `{} {}`, 400, "the body is not valid JSON, from byte 3 on"},
		{"that is null", "application/json", `null`, 400, "the body must be a JSON object"},
		{"that is an array", "application/json", `[]`, 400, "the body must be a JSON object"},
		{"that is a string", "application/json", `"x"`, 400, "the body must be a JSON object"},
		{"with a member of another type", "application/json", `{"email":5}`, 400, "email: the value has the wrong type"},
		{"with an object for a string", "application/json", `{"password":{"$ne":""}}`, 400, "password: the value has the wrong type"},
		{"with a duplicate member", "application/json", `{"email":"a","email":"b"}`, 400, "email: the member is there twice"},
		{"with a duplicate member by escape", "application/json", `{"email":"a","em\u0061il":"b"}`, 400, "email: the member is there twice"},
		{"with an unknown member", "application/json", `{"emial":"a"}`, 400, "emial: there is no such member here"},
		{"with a member in other case", "application/json", `{"Email":"a"}`, 400, "Email: there is no such member here"},
		{"with invalid UTF-8", "application/json", "{\"email\":\"\xff\"}", 400, "the body is not valid JSON, from byte 10 on"},
		{"with a lone surrogate", "application/json", `{"email":"\ud800"}`, 400, "the body is not valid JSON, from byte 10 on"},
		{"with a control character in a name", "application/json", `{"a\u0000\n":1}`, 400, "a??: there is no such member here"},
		{"of another media type", "text/plain", `{}`, 415, "the body must be JSON, sent with Content-Type: application/json"},
		{"of a form", "application/x-www-form-urlencoded", `email=a`, 415, "the body must be JSON, sent with Content-Type: application/json"},
		{"without a media type", "", `{}`, 415, "the body must be JSON, sent with Content-Type: application/json"},
		{"that is too large", "application/json", `{"email":"` + strings.Repeat("a", 200) + `"}`, 413, "the body is larger than 100 bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := ReadJSON(request(c.contentType, c.body), new(person))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Status != c.status || e.Description != c.description {
				t.Errorf("got %d %q, want %d %q", e.Status, e.Description, c.status, c.description)
			}
		})
	}
}

func TestABodyIsRead(t *testing.T) {
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		var p person
		if err := ReadJSON(request(contentType, ` {"password":"p","email":"a@b"}`+"\n"), &p); err != nil {
			t.Fatalf("%s: %v", contentType, err)
		}
		if p.Email != "a@b" || p.Password != "p" {
			t.Errorf("%s: got %+v", contentType, p)
		}
	}
}

func TestAnErrorNeverRepeatsAValue(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, body := range []string{`{"password":["` + secret + `"]}`, `{"password":"` + secret, `{"password":"` + secret + `","password":""}`} {
		if err := ReadJSON(request("application/json", body), new(person)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	f.Fuzz(func(t *testing.T, body string) {
		err := ReadJSON(request("application/json", body), new(person))
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Status < 400 || e.Status > 499 || strings.ContainsAny(e.Description, "\x00\n\r")) {
			t.Errorf("%q: got %v", body, err)
		}
	})
}

func request(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 100)
	return r
}
