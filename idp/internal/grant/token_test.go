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
	t := token{generation: 0xfffefdfc, key: 0xfbfaf9f8}
	for i := range t.grant {
		t.grant[i] = byte(0xf0 + i)
	}
	for i := range t.mac {
		t.mac[i] = byte(255 - i)
	}
	return t
}

func TestATokenIsReadAsItWasWritten(t *testing.T) {
	text := string(sample().text())
	const want = "signet_rt_8PHy8_T19vf4-fr7_P3-___-_fz7-vn4__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA"
	if text != want {
		t.Fatalf("the form changed: %s", text)
	}
	if got := mustParse(t, text); got != sample() {
		t.Fatalf("%+v", got)
	}
}

func TestOtherFormsOfATokenAreRefused(t *testing.T) {
	text := string(sample().text())
	body := text[len(Prefix):]
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
		{"with bits to spare", text[:len(text)-1] + "B"},
		{"with a NUL", text[:40] + "\x00" + text[41:]},
		{"of generation 0", func() string { z := sample(); z.generation = 0; return string(z.text()) }()},
		{"very long", Prefix + strings.Repeat("A", 1<<20)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parse(c.text); err == nil {
				t.Fatal("it was read")
			}
		})
	}
}

func TestATokenHasOneText(t *testing.T) {
	text := string(sample().text())
	for i := len(Prefix); i < len(text); i++ {
		for c := range 256 {
			other := text[:i] + string([]byte{byte(c)}) + text[i+1:]
			tok, err := parse(other)
			if err == nil && (tok == sample()) != (other == text) {
				t.Fatalf("%q is the same token", other)
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
				name := fmt.Sprintf("%q %d %d", inc, generation, b)
				msg := string(message(inc, data.GrantID{b}, generation, [16]byte{15: b}))
				if seen[msg] != "" {
					t.Fatalf("%s and %s", seen[msg], name)
				}
				seen[msg] = name
			}
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
	g, _, err := w.store.Grant(t.Context(), tok.grant)
	must(t, err)
	forge := func(m *macs, salt [16]byte) string {
		mac, err := m.SumWith(tok.key, message(g.Inc, g.ID, g.Current, salt))
		must(t, err)
		return string(token{g.ID, g.Current, tok.key, mac}.text())
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
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := parse(text)
		if err == nil && string(tok.text()) != text {
			t.Fatalf("%q is read, and written as another text", text)
		}
	})
}
