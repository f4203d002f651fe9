package main

import "testing"

func TestTheNumbersOfConnections(t *testing.T) {
	if got, err := parseConns("1,16,64"); err != nil || len(got) != 3 || got[2] != 64 {
		t.Errorf("%v %v", got, err)
	}
	for _, text := range []string{"", "0", "x", "1,,2", "-1", "1025"} {
		if got, err := parseConns(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestNumbersThatMakeNoSenseAreRefused(t *testing.T) {
	good := flags{seconds: 1.8, rounds: 3, tokens: 2, revokes: 1}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*flags){
		"no time": func(f *flags) { f.seconds = 0 }, "a negative time": func(f *flags) { f.seconds = -1 }, "a day": func(f *flags) { f.seconds = 86400 },
		"no round": func(f *flags) { f.rounds = 0 }, "one token for two halves": func(f *flags) { f.tokens = 1 }, "no revocation": func(f *flags) { f.revokes = 0 },
	} {
		f := good
		spoil(&f)
		if f.check() == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestRowsAreWantedByTheirNames(t *testing.T) {
	for _, c := range []struct {
		text, name string
		want       bool
	}{
		{"", "jwks", true}, {"", stormName, true}, {"jwks", "jwks", true}, {"jwks", "discovery", false},
		{"refresh", "refresh-ES256", true}, {"refresh", "refresh-RS256-id", true}, {"refresh-ES256", "refresh-ES256-id", true},
		{"refresh-ES256-id", "refresh-ES256", false}, {"login,storm", stormName, true}, {"revoke", revocationName, false},
	} {
		wanted, err := parseRows(c.text)
		if err != nil || wanted(c.name) != c.want {
			t.Errorf("%q: %q wanted: %t %v", c.text, c.name, !c.want, err)
		}
	}
	for _, text := range []string{"jwk", "refresh-", "jwks,", "all"} {
		if _, err := parseRows(text); err == nil {
			t.Errorf("%q was understood", text)
		}
	}
}

func TestNamesOfRowsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.Name] {
			t.Errorf("%s is there twice", r.Name)
		}
		seen[r.Name] = true
	}
	for _, s := range sections {
		if seen[s.name] {
			t.Errorf("%s is there twice", s.name)
		}
		seen[s.name] = true
	}
}
