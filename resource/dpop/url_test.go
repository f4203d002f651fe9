package dpop

import (
	"net/url"
	"strings"
	"testing"
)

func TestURLsAreComparedInTheirNormalForm(t *testing.T) {
	const here = "https://api.example/a%20b/c~d"
	for _, same := range []string{
		here, here + "?x=y", here + "#f", here + "?x#f", "HTTPS://api.example/a%20b/c~d", "https://API.Example/a%20b/c~d",
		"https://api.example:443/a%20b/c~d", "https://api.example:/a%20b/c~d", "https://api.example/%61%20b/c%7Ed", "https://api.example/%61%20b/c%7ed",
		"https://api.example/x/../a%20b/./c~d", "https://api.example/x/%2e%2E/a%20b/c~d", "https://api.example/../a%20b/c~d", "https://api.example/a b/c~d",
	} {
		if !sameURL(here, same) || !sameURL(same, here) {
			t.Errorf("%s is not taken for %s", same, here)
		}
	}
	for _, other := range []string{
		"", "/", here + "/", "https://api.example/A%20b/c~d", "https://api.example/a%20b%2Fc~d", "https://api.example/a+b/c~d",
		"http://api.example/a%20b/c~d", "https://api.example:80/a%20b/c~d", "https://api.example:8443/a%20b/c~d", "https://api.example.evil.example/a%20b/c~d",
		"https://user@api.example/a%20b/c~d", "https://api.example@evil.example/a%20b/c~d", "https://evil.example/https://api.example/a%20b/c~d",
		"https://api.example//a%20b/c~d", "https:api.example/a%20b/c~d", "//api.example/a%20b/c~d", " " + here, here + "\n", "https://api.example/a%2", "https:///a%20b/c~d",
		"https://[::1/a%20b/c~d", "ftp://api.example/a%20b/c~d",
	} {
		if sameURL(here, other) || sameURL(other, here) {
			t.Errorf("%s is taken for %s", other, here)
		}
	}
}

func TestNormalForms(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example":                "https://a.example/",
		"https://a.example?x":              "https://a.example/",
		"https://a.example/":               "https://a.example/",
		"http://A.example:80/":             "http://a.example/",
		"http://a.example:8080/":           "http://a.example:8080/",
		"https://[::1]:443/x":              "https://[::1]/x",
		"https://[::1]:4430/x":             "https://[::1]:4430/x",
		"https://a.example/a/b/../c":       "https://a.example/a/c",
		"https://a.example/a/..":           "https://a.example/",
		"https://a.example/a/.":            "https://a.example/a/",
		"https://a.example/..":             "https://a.example/",
		"https://a.example/a//b/":          "https://a.example/a//b/",
		"https://a.example/a%2fb":          "https://a.example/a%2Fb",
		"https://a.example/a%2fb|":         "https://a.example/a%2Fb%7C",
		"https://a.example/é":              "https://a.example/%C3%A9",
		"https://a.example/a;b=c,d@e:f!$&": "https://a.example/a;b=c,d@e:f!$&",
		"https://a.example/a%3Bb":          "https://a.example/a%3Bb",
		"https://a.example/a?x=/../b#/..":  "https://a.example/a",
	} {
		if got, ok := normalize(raw); !ok || got != want {
			t.Errorf("%s became %q, %t; want %s", raw, got, ok, want)
		}
	}
}

func TestALongURLIsNotRead(t *testing.T) {
	if _, ok := normalize("https://a.example/" + strings.Repeat("x", maxURL)); ok {
		t.Error("it is")
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("https://a.example/a/%2e%2E/b%2fc?x#y")
	f.Fuzz(func(t *testing.T, raw string) {
		one, ok := normalize(raw)
		if !ok {
			return
		}
		if two, ok := normalize(one); !ok || two != one {
			t.Fatalf("%q became %q, then %q", raw, one, two)
		}
		u, err := url.Parse(one)
		if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Contains("/"+u.EscapedPath()+"/", "/../") {
			t.Fatalf("%q became %q: %v", raw, one, err)
		}
		before, err := url.Parse(raw)
		if err != nil || !strings.EqualFold(before.Hostname(), u.Hostname()) || !strings.EqualFold(before.Scheme, u.Scheme) {
			t.Fatalf("%q became %q, of another host", raw, one)
		}
	})
}
