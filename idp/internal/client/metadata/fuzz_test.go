package metadata

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"signet/data"
)

// Whatever is accepted survives the way to the client and back, and the way
// into the store and back.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"redirect_uris":["https://a.example/cb"]}`), false)
	f.Fuzz(func(t *testing.T, raw []byte, inDevelopment bool) {
		rules := production
		if inDevelopment {
			rules = development
		}
		m, _, err := Parse(raw)
		if err != nil {
			return
		}
		if err := rules.Complete(&m); err != nil {
			if strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Fatalf("an error of several lines: %q", err)
			}
			return
		}
		members, err := Members(m)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		again, others, err := Parse(text)
		if err != nil || len(others) > 0 {
			t.Fatalf("%s\nis not read again: %v, %v", text, err, others)
		}
		if err := rules.Complete(&again); err != nil {
			t.Fatalf("%s\nis refused: %v", text, err)
		}
		same(t, m, again)

		stored, err := json.Marshal(data.Client{ID: "a", Metadata: m})
		if err != nil {
			t.Fatal(err)
		}
		var c data.Client
		if err := json.Unmarshal(stored, &c, json.RejectUnknownMembers(true)); err != nil {
			t.Fatal(err)
		}
		same(t, m, c.Metadata)
		for _, uri := range m.RedirectURIs {
			if u, err := url.Parse(uri); err != nil || u.Fragment != "" || u.User != nil || !strings.Contains(u.Scheme, ".") && u.Scheme != "https" && u.Scheme != "http" {
				t.Fatalf("%q was accepted", uri)
			}
		}
	})
}

// same compares through JSON, where no list and an empty one are one.
func same(t *testing.T, a, b data.Metadata) {
	t.Helper()
	one, err := json.Marshal(a, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	other, err := json.Marshal(b, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(other) {
		t.Fatalf("%s\nbecame\n%s", one, other)
	}
	if !reflect.DeepEqual(a.Names, b.Names) {
		t.Fatalf("%v became %v", a.Names, b.Names)
	}
}

// Only the same string, or another port of the same loopback address, is the
// registered redirect URI.
func FuzzSameRedirect(f *testing.F) {
	f.Add("http://127.0.0.1/cb", "http://127.0.0.1:8000/cb", true)
	f.Fuzz(func(t *testing.T, registered, asked string, native bool) {
		if !SameRedirect(registered, asked, native) || registered == asked {
			return
		}
		r, errR := url.Parse(registered)
		a, errA := url.Parse(asked)
		if !native || errR != nil || errA != nil {
			t.Fatalf("%q is %q", asked, registered)
		}
		if a.Scheme != "http" || a.Hostname() != r.Hostname() || !isLoopback(a) || a.User != nil || a.Fragment != "" ||
			a.RequestURI() != r.RequestURI() || a.EscapedPath() != r.EscapedPath() {
			t.Fatalf("%q is %q", asked, registered)
		}
	})
}
