package data

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestAddressesThatAreOneAccount(t *testing.T) {
	for _, c := range []struct{ name, text, key string }{
		{"a plain one", "ann@example.com", "ann@example.com"},
		{"spaces around it", "  ann@example.com ", "ann@example.com"},
		{"another case", "Ann@EXAMPLE.com", "ann@example.com"},
		{"a composed letter", "J\u00f6rg@example.com", "j\u00f6rg@example.com"},
		{"a decomposed letter", "Jo\u0308rg@example.com", "j\u00f6rg@example.com"},
		{"full width letters", "\uff21nn@example.com", "ann@example.com"},
		{"the Kelvin sign", "\u212aim@example.com", "kim@example.com"},
		{"the long s", "mi\u017fs@example.com", "miss@example.com"},
		{"a sharp s before the @", "stra\u00dfe@example.com", "strasse@example.com"},
		{"a capital sharp s", "STRA\u1e9eE@example.com", "strasse@example.com"},
		{"a ligature", "\ufb01n@example.com", "fin@example.com"},
		{"final and middle sigma", "\u039f\u03a3@example.com", "\u03bf\u03c3@example.com"},
		{"a dotless i is no i", "\u0131da@example.com", "\u0131da@example.com"},
		{"a capital I with a dot is no i", "\u0130da@example.com", "i\u0307da@example.com"},
		{"a Cyrillic a is no a", "\u0430nn@example.com", "\u0430nn@example.com"},
		{"a domain in Unicode", "ann@B\u00dcCHER.example", "ann@xn--bcher-kva.example"},
		{"a domain in ASCII form", "ann@XN--bcher-KVA.example", "ann@xn--bcher-kva.example"},
		{"a sharp s in a domain", "ann@stra\u00dfe.example", "ann@xn--strae-oqa.example"},
		{"an ideographic full stop", "ann@example\u3002com", "ann@example.com"},
		{"a tag and odd characters", "a.b+c!#$%&'*/=?^_`{|}~-@example.com", "a.b+c!#$%&'*/=?^_`{|}~-@example.com"},
		{"a host of this machine", "root@localhost", "root@localhost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := ParseEmail(c.text)
			if err != nil || e.Key() != c.key {
				t.Fatalf("%+q has the key %+q, %v", c.text, e.Key(), err)
			}
			if want := norm.NFC.String(strings.Trim(c.text, " ")); e.String() != want {
				t.Fatalf("String is %+q", e.String())
			}
		})
	}
}

func TestTextsThatAreNoAddress(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"nothing", ""},
		{"spaces only", "   "},
		{"no @", "ann.example.com"},
		{"two @", "ann@bob@example.com"},
		{"nothing before the @", "@example.com"},
		{"nothing after the @", "ann@"},
		{"a NUL", "ann\x00@example.com"},
		{"a line break", "ann@example.com\nbcc: all@example.com"},
		{"a line break at the end", "ann@example.com\n"},
		{"a tab", "a\tnn@example.com"},
		{"a space", "a nn@example.com"},
		{"a no-break space", "a\u00a0nn@example.com"},
		{"invalid UTF-8", "ann\xff@example.com"},
		{"a surrogate in UTF-8", "ann\xed\xa0\x80@example.com"},
		{"a zero width space", "an\u200bn@example.com"},
		{"a zero width joiner", "an\u200dn@example.com"},
		{"a soft hyphen", "an\u00adn@example.com"},
		{"a right-to-left override", "an\u202en@example.com"},
		{"a byte order mark", "\ufeffann@example.com"},
		{"a variation selector", "ann\ufe0f@example.com"},
		{"a Hangul filler", "an\u3164n@example.com"},
		{"a private use character", "an\ue000n@example.com"},
		{"a code point that is not assigned", "an\u0378n@example.com"},
		{"a full width @", "ann\uff20example.com"},
		{"a full width @ beside another", "ann\uff20b@example.com"},
		{"a small @ beside another", "ann\ufe6bb@example.com"},
		{"a character that contains a space", "ann\u00a8@example.com"},
		{"a quoted name", `"ann"@example.com`},
		{"a comment", "ann(home)@example.com"},
		{"a name and an address", "Ann <ann@example.com>"},
		{"a list", "ann@example.com,bob@example.com"},
		{"a dot at the start", ".ann@example.com"},
		{"a dot at the end", "ann.@example.com"},
		{"two dots", "an..n@example.com"},
		{"dots that a compatibility form hides", "an\u2025n@example.com"},
		{"a domain with an empty label", "ann@example..com"},
		{"a domain that ends with a dot", "ann@example.com."},
		{"a domain with an underscore", "ann@exam_ple.com"},
		{"a domain with a hyphen first", "ann@-example.com"},
		{"an address literal", "ann@[127.0.0.1]"},
		{"a punycode that is none", "ann@xn--a.example"},
		{"a local part of 65 bytes", strings.Repeat("a", 65) + "@example.com"},
		{"a label of 64 bytes", "ann@" + strings.Repeat("a", 64) + ".com"},
		{"255 bytes", "a@" + strings.Repeat("abcdefg.", 31) + "abcde"},
		{"a local part that is long once it is folded", strings.Repeat("\ufb03", 21) + "\u1e9e@example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := ParseEmail(c.text)
			var bad *EmailError
			if !errors.As(err, &bad) || bad.Problem == "" {
				t.Fatalf("%+q has the key %+q, %v", c.text, e.Key(), err)
			}
			if len(c.text) > 4 && strings.Contains(err.Error(), c.text) {
				t.Fatal("the error quotes the address")
			}
		})
	}
}

func TestTheErrorSeesThroughCompatibilityForms(t *testing.T) {
	for text, want := range map[string]string{
		"ann\uff20b@example.com": "it has more than one @",
		"ann\u00a8@example.com":  "it contains a space",
		"an\u2025n@example.com":  "a dot before the @ stands alone and between other characters",
	} {
		if _, err := ParseEmail(text); err == nil || err.(*EmailError).Problem != want {
			t.Errorf("%+q: %v", text, err)
		}
	}
}

func TestAddressesOfTheGreatestLengthAreRead(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("a", 64) + "@example.com",
		"a@" + strings.Repeat("abcdefg.", 31) + "abcd",
	} {
		if _, err := ParseEmail(text); err != nil {
			t.Error(len(text), err)
		}
	}
}

// checkKey holds for every text: a key is an address and its own key, and
// neither case nor Unicode form leads to another one.
func checkKey(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string) {
	t.Helper()
	e, err := ParseEmail(text)
	if err != nil {
		return
	}
	for _, form := range []struct{ name, text string }{
		{"the key", e.Key()}, {"the text", e.String()},
		{"NFD", norm.NFD.String(text)}, {"NFKC", norm.NFKC.String(text)},
	} {
		again, err := ParseEmail(form.text)
		if form.name != "the key" && err != nil && len(form.text) > len(text) {
			continue // a longer form may be too long
		}
		if err != nil || again.Key() != e.Key() {
			t.Fatalf("%+q has the key %+q, and %s of it %+q, %v", text, e.Key(), form.name, again.Key(), err)
		}
	}
}

func TestAKeyIsItsOwnKey(t *testing.T) {
	letters := rapid.OneOf(
		rapid.RuneFrom(nil, unicode.L, unicode.M, unicode.N, unicode.S, unicode.P),
		rapid.RuneFrom([]rune("ıİßẞKÅſﬀﬁΣςσǰΐͅʼnİı.@-ａＡ①²")),
		rapid.RuneFrom([]rune("abcXYZ019")),
	)
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringOfN(letters, 1, 12, -1).Draw(t, "local")
		domain := rapid.SampledFrom([]string{"example.com", "EXAMPLE.Com", "straße.de", "xn--strae-oqa.de", "Bücher.example", "ⓔxample.com"}).Draw(t, "domain")
		checkKey(t, local+"@"+domain)
		checkKey(t, "ann@"+local+".com")
	})
}

// Every code point alone, once: the strange ones are few and easily missed.
func TestEveryCodePointHasAKeyOfItsOwnOrNone(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.Han, unicode.Hangul) && r%16 != 0 {
			continue // a hundred thousand that are all alike
		}
		checkKey(t, "a"+string(r)+"b@example.com")
	}
}

func FuzzParseEmail(f *testing.F) {
	f.Add("ann@example.com")
	f.Fuzz(func(t *testing.T, text string) { checkKey(t, text) })
}
