package grant

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"signet/data"
	"signet/data/kv/mem"
)

func sample() token {
	t := shortSample()
	t.short = false
	for i := range t.hint {
		t.hint[i] = byte(0x10 + i)
	}
	return t
}

func shortSample() token {
	t := token{generation: 0xfffefdfc, key: 0xfbfaf9f8, short: true}
	for i := range t.grant {
		t.grant[i] = byte(0xf0 + i)
	}
	for i := range t.mac {
		t.mac[i] = byte(255 - i)
	}
	return t
}

func TestATokenIsReadAsItWasWritten(t *testing.T) {
	for _, c := range []struct {
		token token
		want  string
	}{
		{sample(), "signet_rt_8PHy8_T19vf4-fr7_P3-___-_fz7-vn4EBESExQVFhcYGRobHB0eH__-_fz7-vn49_b19PPy8fDv7u3s6-rp6Ofm5eTj4uHg"},
		{shortSample(), "signet_rt_8PHy8_T19vf4-fr7_P3-___-_fz7-vn4__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA"},
	} {
		text := string(c.token.text())
		if text != c.want {
			t.Fatalf("the form changed: %s", text)
		}
		if got := mustParse(t, text); got != c.token {
			t.Fatalf("%+v", got)
		}
	}
}

func TestOtherFormsOfATokenAreRefused(t *testing.T) {
	for form, sample := range map[string]token{"the long form": sample(), "the short form": shortSample()} {
		text := string(sample.text())
		body := text[len(Prefix):]
		never := sample
		never.generation = 0
		for _, c := range []struct{ name, text string }{
			{"without its prefix", body},
			{"with another prefix", "signet_at_" + body},
			{"with the prefix in capitals", "SIGNET_RT_" + body},
			{"cut", text[:len(text)-1]},
			{"longer", text + "A"},
			{"padded", text + "=="},
			{"padded within its length", text[:len(text)-2] + "=="},
			{"in the standard alphabet", Prefix + strings.NewReplacer("-", "+", "_", "/").Replace(body)},
			{"with a space before", " " + text[:len(text)-1]},
			{"with a line break inside", text[:40] + "\n" + text[41:]},
			{"with a line break at the end", text[:len(text)-1] + "\n"},
			{"with a line break and its full body", text[:40] + "\n" + text[40:]},
			{"with a NUL", text[:40] + "\x00" + text[41:]},
			{"of generation 0", string(never.text())},
			{"very long", Prefix + strings.Repeat("A", 1<<20)},
		} {
			t.Run(form+" "+c.name, func(t *testing.T) {
				if _, err := parse(c.text); err == nil {
					t.Fatal("it was read")
				}
			})
		}
	}
	short, long := string(shortSample().text()), string(sample().text())
	for name, text := range map[string]string{
		"the short form with bits to spare":          short[:len(short)-1] + "B",
		"the short form, filled up with line breaks": short + strings.Repeat("\n", len(long)-len(short)),
		"a length between the two":                   long[:len(short)+1],
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(text); err == nil {
				t.Fatal("it was read")
			}
		})
	}
}

func TestATokenHasOneText(t *testing.T) {
	for _, sample := range []token{sample(), shortSample()} {
		text := string(sample.text())
		for i := len(Prefix); i < len(text); i++ {
			for c := range 256 {
				other := text[:i] + string([]byte{byte(c)}) + text[i+1:]
				tok, err := parse(other)
				if err == nil && (tok == sample) != (other == text) {
					t.Fatalf("%q is the same token", other)
				}
			}
		}
	}
}

func TestATokenDoesNotShowItselfByAccident(t *testing.T) {
	text := sample().text()
	issued := Issued{Outcome: Turned, RefreshToken: text}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", text, "any", issued)
	for _, shown := range []string{
		fmt.Sprint(text), fmt.Sprintf("%s %q %v %+v %#v %x %X %d", text, text, text, text, text, text, text, text),
		fmt.Sprintf("%v %+v %#v", issued, issued, &issued), log.String(),
	} {
		if strings.Contains(shown, Prefix) || strings.Contains(strings.ToLower(shown), fmt.Sprintf("%x", Prefix)) {
			t.Error(shown)
		}
	}
	if body, err := json.Marshal(text); err != nil || string(body) != `"`+string(text)+`"` {
		t.Errorf("the answer to the client is %s, %v", body, err)
	}
}

// The parts of the message cannot run into each other.
func TestNoTwoTokensHaveTheSameMessage(t *testing.T) {
	seen := map[string]string{}
	for _, inc := range []string{"", "a", "aa", "a\x00", strings.Repeat("a", 26)} {
		for _, generation := range []uint32{1, 2, 256, 1 << 24} {
			for _, b := range []byte{0, 1, 16, 'a'} {
				for _, form := range []token{{short: true}, {}, {hint: hint{b, 1}}} {
					name := fmt.Sprintf("%q %d %d %+v", inc, generation, b, form)
					form.grant, form.generation = data.GrantID{b}, generation
					msg := string(message(inc, form, [16]byte{15: b}))
					if seen[msg] != "" {
						t.Fatalf("%s and %s", seen[msg], name)
					}
					seen[msg] = name
				}
			}
		}
	}
}

// What the MAC is made over never changes, or every token of that form is dead.
func TestTheMessagesOfTheMACStayAsTheyAre(t *testing.T) {
	salt := [16]byte([]byte("sixteen of salt!"))
	part := func(text string) string { return string([]byte{0, 0, 0, byte(len(text))}) + text }
	for domain, tok := range map[string]token{"signet refresh token v1": shortSample(), "signet refresh token v2": sample()} {
		want := part(domain) + part("first") + part(string(tok.grant[:])) + part("\xff\xfe\xfd\xfc") + part("sixteen of salt!")
		if domain == "signet refresh token v2" {
			want += part(string(tok.hint[:]))
		}
		if got := string(message("first", tok, salt)); got != want {
			t.Errorf("%s: %q", domain, got)
		}
	}
}

// A thief of the store knows the salt, a thief of the MAC keys does not.
func TestNeitherTheStoreNorTheMACKeyAloneMakesAToken(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	given := []string{w.start()}
	for range 3 {
		given = append(given, w.turnTo(given[len(given)-1], Turned))
	}
	for key, value := range w.pairs() {
		for _, text := range given {
			tok := mustParse(t, text)
			for _, secret := range []string{text[len(Prefix):], string(tok.mac[:]), base64.StdEncoding.EncodeToString(tok.mac[:]), base64.RawURLEncoding.EncodeToString(tok.mac[:]), Prefix} {
				if strings.Contains(key+"\x00"+value, secret) {
					t.Fatalf("%q holds a token", key)
				}
			}
		}
	}

	tok := mustParse(t, given[3])
	g, _, err := w.store.Grant(t.Context(), tok.grant, "")
	must(t, err)
	forge := func(m *macs, salt [16]byte) string {
		forged := tok
		var err error
		forged.mac, err = m.SumWith(tok.key, message(g.Inc, tok, salt))
		must(t, err)
		return string(forged.text())
	}
	otherKey := newMACs()
	otherKey.keys[tok.key] = []byte("a guess")
	w.refused(forge(otherKey, g.Salt), ErrUnknown)
	for _, salt := range [][16]byte{{}, {1}, [16]byte(g.ID)} {
		w.refused(forge(w.macs, salt), ErrUnknown)
	}
	if forge(w.macs, g.Salt) != given[3] {
		t.Fatal("the test forges wrongly")
	}
	w.turnTo(given[3], Turned)
}

func FuzzParse(f *testing.F) {
	f.Add(string(sample().text()))
	f.Add(string(shortSample().text()))
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := parse(text)
		if err == nil && string(tok.text()) != text {
			t.Fatalf("%q is read, and written as another text", text)
		}
	})
}
