package grant

import (
	"bytes"
	"encoding/hex"
	"errors"
	"maps"
	"math/bits"
	"strings"
	"testing"

	"signet/data"
	"signet/data/kv/mem"
)

func TestAHintNamesTheUserToTheIssuerAlone(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	o := w.o
	o.Secret = secret("of another store")
	elsewhere, err := New(o)
	must(t, err)
	person := w.user.ID.Bits()
	a, b := mustParse(t, w.start()), mustParse(t, w.start())
	for _, tok := range []token{a, b} {
		if got := w.likely(tok); got != w.user.ID {
			t.Errorf("it names %q", got)
		}
		if bytes.Contains([]byte(tok.text()), []byte(w.user.ID)) || tok.hint == hint(person) {
			t.Error("it is there for all to read")
		}
		if got := elsewhere.likely(tok); got == w.user.ID {
			t.Error("it is read without the secret")
		}
	}
	// What a known pair of grants would tell of the person, were it not under a key.
	if xor(a.hint, b.hint) == xor(hint(a.grant), hint(b.grant)) || a.hint == b.hint {
		t.Error("two tokens of a person are known for that")
	}
	if different := differing(a.hint, b.hint); different < 20 || different > 108 {
		t.Errorf("two hints of a person differ in %d bits of 128", different)
	}
}

func xor(a, b hint) (c hint) {
	for i := range c {
		c[i] = a[i] ^ b[i]
	}
	return c
}

func differing(a, b hint) (n int) {
	for _, b := range xor(a, b) {
		n += bits.OnesCount8(b)
	}
	return n
}

// A hint that was made another way costs a round trip, and a repeated answer
// would be another one.
func TestTheFormOfAHintStaysAsItIs(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	got := w.hint("abcdefghijklmnopqrstuvwxya", data.GrantID([]byte("sixteen of grant")))
	if text := hex.EncodeToString(got[:]); text != "cdc2a4bff01426ca50681269d987e07f" {
		t.Fatal(text)
	}
}

// All tokens of a grant have one hint, so that an answer can be repeated.
func TestAHintStaysThroughTurnsAndRotations(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	first := w.start()
	w.macs.rotate()
	second := w.turnTo(first, Turned)
	w.restore(w.backup(), true)
	third := w.turnTo(second, Reissued)
	want := mustParse(t, first).hint
	for _, text := range []string{second, third, w.turnTo(second, Repeated)} {
		if got := mustParse(t, text).hint; got != want {
			t.Fatalf("%x, and before %x", got, want)
		}
	}
}

func TestATokenWithAnotherHintIsNotOurs(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	own := w.start()
	tok, other := mustParse(t, own), mustParse(t, w.start())
	eve, err := w.store.CreateUser(t.Context(), data.User{Email: "eve@example.com"}, data.InvitationHash{})
	must(t, err)
	change := tok.changed
	before := w.pairs()
	for name, text := range map[string]string{
		"of another grant of the person":       change(func(t *token) { t.hint = other.hint }),
		"that names another person":            change(func(t *token) { t.hint = w.hint(eve.ID, t.grant) }),
		"with a bit turned":                    change(func(t *token) { t.hint[15] ^= 1 }),
		"of zeros":                             change(func(t *token) { t.hint = hint{} }),
		"left out":                             change(func(t *token) { t.short, t.hint = true, hint{} }),
		"left out, and the MAC begins with it": change(func(t *token) { t.short, t.mac = true, [macSize]byte(append(t.hint[:], t.mac[:16]...)) }),
		"added to a token that has none": func() string {
			c := mustParse(t, w.short(tok))
			c.short, c.hint = false, tok.hint
			return string(c.text())
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			w.refused(text, ErrUnknown)
			if ending, err := w.End(t.Context(), text, nil); ending != NothingEnded || err != nil {
				t.Error(ending, err)
			}
			if _, _, err := w.Read(t.Context(), text); !errors.Is(err, ErrUnknown) {
				t.Error(err)
			}
		})
	}
	if !maps.Equal(w.pairs(), before) {
		t.Fatal("a refused token changed the store")
	}
	w.turnTo(own, Turned)
}

// A hint is a guess at what to read, and gives nobody anything.
func TestWhoseATokenIsTheGrantSaysAndNotTheHint(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	eve, err := w.store.CreateUser(t.Context(), data.User{Email: "eve@example.com"}, data.InvitationHash{})
	must(t, err)
	tok := mustParse(t, w.start())
	for name, h := range map[string]hint{"nobody": {}, "somebody else": w.hint(eve.ID, tok.grant)} {
		tok.hint = h
		text := w.forge(tok) // as one that was made with another secret
		if _, u, err := w.Read(t.Context(), text); err != nil || u.ID != w.user.ID {
			t.Errorf("with a hint at %s it is of %q: %v", name, u.ID, err)
		}
	}
	i, err := w.Turn(t.Context(), w.forge(tok), nil)
	if err != nil || i.User.ID != w.user.ID || mustParse(t, string(i.RefreshToken)).hint != w.hint(w.user.ID, tok.grant) {
		t.Fatal(i.User.ID, err)
	}
}

func TestAUserWhoseIdHasAnotherFormGetsAHintAtNobody(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	for _, id := range []data.UserID{"", "ann", data.UserID(strings.Repeat("a", 40)), "ANN@example.com"} {
		a, b := w.hint(id, data.GrantID{1}), w.hint(id, data.GrantID{2})
		if a == b || a == (hint{}) || differing(a, b) < 20 {
			t.Errorf("%q: %x and %x", id, a, b)
		}
		if got, nobody := w.likely(token{grant: data.GrantID{1}, hint: a}), data.UserIDOf([16]byte{}); got != nobody {
			t.Errorf("%q: it names %q", id, got)
		}
	}
}

func TestATokenOfBeforeTheHintsGoesOnAndItsSuccessorHasOne(t *testing.T) {
	for _, late := range []bool{false, true} {
		w := newWorld(t, mem.New(), testPolicy)
		old := w.short(mustParse(t, w.start()))
		if _, _, err := w.Read(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		next := w.turnTo(old, Turned)
		if mustParse(t, next).short {
			t.Fatal("the successor has no hint")
		}
		if again := w.turnTo(old, Repeated); again != next {
			t.Fatal("another successor")
		}
		if late {
			w.clock.Move(day)
			next = w.turnTo(old, Forked)
		}
		w.turnTo(w.turnTo(next, Turned), Turned)
		w.refused(old, ErrReused)
		w.refused(next, ErrUnknown)
	}
}

func TestATokenOfBeforeTheHintsEndsItsGrant(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	text := w.start()
	if ending, err := w.End(t.Context(), w.short(mustParse(t, text)), nil); ending != GrantEnded || err != nil {
		t.Fatal(ending, err)
	}
	w.refused(text, ErrUnknown)
}

// The answer was given before the issuer knew of hints, and is asked for again
// after: both texts are the one current token, whichever arrived.
func TestAnAnswerFromBeforeTheHintsIsRepeatedWithOne(t *testing.T) {
	for _, arrived := range []string{"before", "after"} {
		w := newWorld(t, mem.New(), testPolicy)
		parent := w.short(mustParse(t, w.start()))
		texts := map[string]string{"after": w.turnTo(parent, Turned)}
		texts["before"] = w.short(mustParse(t, texts["after"]))
		if again := w.turnTo(parent, Repeated); again != texts["after"] {
			t.Fatal("another successor")
		}
		next := w.turnTo(texts[arrived], Turned)
		for _, text := range texts {
			if again := w.turnTo(text, Repeated); again != next {
				t.Fatal("another successor")
			}
		}
		w.turnTo(next, Turned)
	}
}

// An issuer of before may come and go: whichever form is given out, both are the
// same token, and the other issuers take either.
func TestATokenHasAHintOnlyWhereEveryIssuerReadsIt(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	w.unhinted = true
	short := w.start()
	if !mustParse(t, short).short {
		t.Fatal("a token with a hint")
	}
	next := w.turnTo(short, Turned)
	if !mustParse(t, next).short || w.turnTo(short, Repeated) != next {
		t.Fatal("a successor with a hint, or another one")
	}
	w.unhinted = false
	again := w.turnTo(short, Repeated)
	if mustParse(t, again).short || w.short(mustParse(t, again)) != next {
		t.Fatal("the same answer is not the same token in the other form")
	}
	hinted := w.turnTo(again, Turned)
	w.unhinted = true
	last := w.turnTo(hinted, Turned)
	if !mustParse(t, last).short {
		t.Fatal("a token with a hint")
	}
	w.turnTo(last, Turned)
	w.refused(next, ErrReused)
}
