package data

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"signet/data/kv/mem"
)

func TestAValueOfAProfileHasTheFormOfItsName(t *testing.T) {
	long := strings.Repeat("a", maxLine)
	for _, c := range []struct {
		names string
		good  []string
		bad   []string
	}{
		{"name given_name family_name middle_name nickname preferred_username gender address.locality address.region address.postal_code address.country",
			[]string{"Ada Lovelace", "Åse", "李", "👩‍💻", "o'Neil-Smith, jr.", "نسرین\u200cدخت", long, "non-binary"},
			[]string{long + "a", "a\nb", "a\x00", "\ta", " a", "a ", "a\u0085", "a\xff", "moc.elpmaxe\u202e", "\u2066a\u2069"}},
		{"profile picture website",
			[]string{"https://example.com", "http://example.com/~ada?x=1#me", "https://example.com:8443/a%20b", "https://[2001:db8::1]/", "https://xn--bcher-kva.example/"},
			[]string{"example.com", "/ada", "//example.com/ada", "https:", "https://", "https:///ada", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x",
				"ftp://example.com", "https:example.com", "https://ada@example.com", "https://ada:pw@example.com", "https://example.com/a b", "https://example.com/\"><script>",
				"https://example.com/\n", "https://example.com/ü", "https://example.com/%zz", "https://example.com/" + strings.Repeat("a", maxURL)}},
		{"birthdate",
			[]string{"1815-12-10", "1815", "0000-12-10", "0000-02-29", "2000-02-29"},
			[]string{"10.12.1815", "1815-13-10", "1815-02-30", "1900-02-29", "15-12-10", "1815-12", "0000", "1815-12-10T00:00:00Z", "18151210", " 1815", "+1815", "-815"}},
		{"zoneinfo",
			[]string{"Europe/Paris", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+1", "America/Port-au-Prince"},
			[]string{"Local", "Paris, France", "+01:00", "../etc/passwd", "Europe/", "/Paris", "a/b/c/d", "Europe/Pa ris", strings.Repeat("a", 40)}},
		{"locale",
			[]string{"en", "en-US", "de-CH-1996", "zh-Hant-TW", "sr-Latn"},
			[]string{"en_US", "english", "e", "en-", "-en", "en US", "C", "en-US.UTF-8", strings.Repeat("en-", 100)}},
		{"phone_number",
			[]string{"+1 (425) 555-1212", "+56 (2) 687 2400", "+1 (604) 555-1234;ext=5678", "+442079460000"},
			[]string{"425 555 1212", "+", "+1", "+1 425 CALL NOW", "tel:+14255551212", "+1 425 555 1212;ext=", "+1 425 555 1212 x5", "+1\n4255551212", "+1" + strings.Repeat("2", 40)}},
		{"address.formatted address.street_address",
			[]string{"12 St James's Square\nLondon", "12 St James's Square\r\nLondon", "a\n\nb", strings.Repeat(long[:100]+"\n", 9)},
			[]string{"a\rb", "a\tb", "a\n b", strings.Repeat(long[:100]+"\n", 10), strings.Repeat("a", maxLine+1)}},
		{"phone_number_verified", []string{"true", "false"}, []string{"yes", "1", "True", " true"}},
	} {
		for name := range strings.FieldsSeq(c.names) {
			t.Run(name, func(t *testing.T) {
				for _, value := range c.good {
					if err := new(Profile).Set(name, value); err != nil {
						t.Errorf("%q: %v", value, err)
					}
				}
				for _, value := range c.bad {
					var bad *ProfileError
					if err := new(Profile).Set(name, value); !errors.As(err, &bad) || bad.Field != name || bad.Problem == "" {
						t.Errorf("%q: %v", value, err)
					}
				}
				if err := new(Profile).Set(name, "s3cret\x00 "); err == nil || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error quotes the value: %v", err)
				}
			})
		}
	}
}

// Every field is known by its name in the record, so that none is forgotten
// where one is added.
func TestEveryFieldOfAProfileIsSetAndListed(t *testing.T) {
	var p Profile
	set := map[string]string{}
	for _, name := range ProfileNames() {
		value := map[string]string{
			"profile": "https://a.example", "picture": "https://b.example", "website": "https://c.example", "birthdate": "1815",
			"zoneinfo": "UTC", "locale": "en", "phone_number": "+44 20 7946 0000", phoneVerified: "true",
		}[name]
		if value == "" {
			value = "text of " + name
		}
		if err := p.Set(name, value); err != nil {
			t.Fatal(err)
		}
		set[name] = value
	}
	for _, v := range []reflect.Value{reflect.ValueOf(p), reflect.ValueOf(p.Address)} {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s cannot be set", v.Type().Field(i).Name)
			}
		}
	}
	if got := maps.Collect(p.All()); !maps.Equal(got, set) {
		t.Errorf("%v instead of %v", got, set)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	for _, name := range ProfileNames() {
		if err := p.Set(name, ""); err != nil {
			t.Error(err)
		}
	}
	if p != (Profile{}) {
		t.Errorf("%+v is left", p)
	}
	for _, name := range []string{"", "sub", "email", "address", "address.planet", "Name"} {
		var bad *ProfileError
		if err := p.Set(name, "x"); !errors.As(err, &bad) || !strings.Contains(bad.Problem, "given_name") || p != (Profile{}) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestANewPhoneNumberIsNotVerified(t *testing.T) {
	p := Profile{PhoneNumber: "+44 20 7946 0000", PhoneVerified: true}
	if err := p.Set("phone_number", p.PhoneNumber); err != nil || !p.PhoneVerified {
		t.Error("the same number was verified", err)
	}
	if err := p.Set("phone_number", "+44 20 7946 0001"); err != nil || p.PhoneVerified {
		t.Error(p, err)
	}
	if err := (Profile{PhoneVerified: true}).Check(); err == nil {
		t.Error("nothing is verified")
	}
}

func TestAUserWithAProfileOfAnotherFormIsNotStored(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	u := newUser(t, s, "ann@example.com")
	before := dump(t, engine)
	bad := Profile{Website: "javascript:alert(1)"}
	var wrong *ProfileError
	if _, err := s.CreateUser(t.Context(), User{Email: "bob@example.com", Profile: bad}, InvitationHash{}); !errors.As(err, &wrong) {
		t.Error(err)
	}
	if _, err := s.ImportUser(t.Context(), User{Email: "bob@example.com", Profile: bad}); !errors.As(err, &wrong) {
		t.Error(err)
	}
	if _, err := s.ChangeUser(t.Context(), u.ID, func(u *User) error { u.Profile = bad; return nil }); !errors.As(err, &wrong) {
		t.Error(err)
	}
	if !maps.Equal(before, dump(t, engine)) {
		t.Fatal("something was written")
	}
	// What is there already, from whatever time, stands in nobody's way.
	putRaw(t, engine, string(userKey(u.ID)), strings.Replace(before[string(userKey(u.ID))], `"epoch"`, `"profile":{"locale":"en_US"},"epoch"`, 1))
	if got, err := s.ChangeUser(t.Context(), u.ID, func(u *User) error { u.Disabled = true; return nil }); err != nil || got.Profile.Locale != "en_US" {
		t.Error(got.Profile, err)
	}
}

func FuzzProfile(f *testing.F) {
	f.Add("website", "https://example.com/~ada")
	f.Fuzz(func(t *testing.T, name, value string) {
		var p Profile
		if p.Set(name, value) != nil || value == "" || name == phoneVerified {
			return
		}
		if err := p.Check(); err != nil {
			t.Fatalf("%q was set and is wrong: %v", value, err)
		}
		if got := maps.Collect(p.All()); len(got) != 1 || got[name] != value {
			t.Fatalf("%q became %q", value, got)
		}
		u := User{Profile: p}
		text, err := encode(&u)
		if err != nil {
			t.Fatalf("%q cannot be stored: %v", value, err)
		}
		var again User
		if err := decode(text, &again); err != nil || again.Profile != p {
			t.Fatal(fmt.Sprint(err))
		}
	})
}
