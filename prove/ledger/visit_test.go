package ledger

import "testing"

type heard struct {
	step  Step
	reply Reply
}

func TestWhatAVisitMayBeTold(t *testing.T) {
	in := []heard{{SignIn, Yes}}
	allowed := append(in[:1:1], heard{Allow, Yes})
	redeemed := append(allowed[:2:2], heard{Redeem, Yes})
	after := func(past []heard, more ...heard) []heard { return append(past[:len(past):len(past)], more...) }
	for name, c := range map[string]struct {
		past   []heard
		last   heard
		broken bool
	}{
		"nobody is signed in at first":                       {nil, heard{Ask, NoPerson}, false},
		"nobody may ask at first":                            {nil, heard{Ask, Yes}, true},
		"a sign-in that was acknowledged is not lost":        {in, heard{Home, NoPerson}, true},
		"one without an answer may be":                       {[]heard{{SignIn, Silence}}, heard{Home, NoPerson}, false},
		"or not":                                             {[]heard{{SignIn, Silence}}, heard{Home, Yes}, false},
		"but it does not come and go":                        {[]heard{{SignIn, Silence}, {Home, Yes}}, heard{Ask, NoPerson}, true},
		"nothing is given that nobody allowed":               {in, heard{Ask, Yes}, true},
		"what was allowed is remembered":                     {allowed, heard{Ask, NoConsent}, true},
		"what was perhaps allowed is, or is not":             {after(in, heard{Allow, Silence}), heard{Ask, NoConsent}, false},
		"what was perhaps allowed gave nobody a code":        {after(in, heard{Allow, Silence}), heard{Redeem, Yes}, true},
		"what was taken back is asked for again":             {after(allowed, heard{Forbid, Yes}), heard{Ask, Yes}, true},
		"and its grant has ended":                            {after(redeemed, heard{Forbid, Yes}), heard{Turn, Yes}, true},
		"half of it may be done":                             {after(redeemed, heard{Forbid, Silence}, heard{Ask, NoConsent}), heard{Turn, Yes}, false},
		"but not the other half alone":                       {after(redeemed, heard{Forbid, Silence}, heard{Turn, Invalid}), heard{Ask, Yes}, true},
		"a code is good once":                                {allowed, heard{Redeem, Invalid}, true},
		"and not twice":                                      {redeemed, heard{Redeem, Yes}, true},
		"twice ends what it gave":                            {after(redeemed, heard{Redeem, Invalid}), heard{Turn, Yes}, true},
		"a code whose redemption had no answer may be spent": {after(allowed, heard{Redeem, Silence}), heard{Redeem, Invalid}, false},
		"or good":                                {after(allowed, heard{Redeem, Silence}), heard{Redeem, Yes}, false},
		"an acknowledged redemption is not lost": {redeemed, heard{Turn, Invalid}, true},
		"a refresh without an answer can be asked for again": {after(redeemed, heard{Turn, Silence}), heard{Turn, Invalid}, true},
		"what was revoked stays so":                          {after(redeemed, heard{Revoke, Yes}), heard{Turn, Yes}, true},
		"what was perhaps revoked may live":                  {after(redeemed, heard{Revoke, Silence}), heard{Turn, Yes}, false},
		"who signed out is out":                              {after(redeemed, heard{SignOut, Yes}), heard{Ask, Yes}, true},
		"with the grant":                                     {after(redeemed, heard{SignOut, Yes}), heard{Turn, Yes}, true},
		"and the code that was not redeemed":                 {after(allowed, heard{SignOut, Yes}), heard{Redeem, Yes}, true},
		"who perhaps signed out may be in":                   {after(redeemed, heard{SignOut, Silence}), heard{Home, Yes}, false},
		"and has the grant then":                             {after(redeemed, heard{SignOut, Silence}, heard{Home, Yes}), heard{Turn, Invalid}, true},
		"what is remembered of consent outlives a sign-out":  {after(allowed, heard{SignOut, Yes}, heard{SignIn, Yes}), heard{Ask, NoConsent}, true},
		"a client that registered is there":                  {[]heard{{Enrol, Yes}}, heard{Look, Invalid}, true},
		"one that left is gone":                              {[]heard{{Enrol, Yes}, {Leave, Yes}}, heard{Look, Yes}, true},
		"one that perhaps left may be there":                 {[]heard{{Enrol, Yes}, {Leave, Silence}}, heard{Look, Yes}, false},
		"a reply that no step has is none":                   {in, heard{Home, "something else"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			v := NewVisit("x")
			for _, h := range c.past {
				if err := v.Add(h.step, h.reply, ""); err != nil {
					t.Fatal(err)
				}
			}
			if err := v.Add(c.last.step, c.last.reply, ""); (err != nil) != c.broken {
				t.Errorf("broken %t: %v", !c.broken, err)
			}
		})
	}
}

func TestWhatIsSureAndWhatMayBe(t *testing.T) {
	v := NewVisit("x")
	in := func(s Standing) bool { return s.SignedIn }
	if v.Perhaps(in) {
		t.Error("nobody signed in")
	}
	_ = v.Add(SignIn, Silence, "")
	if !v.Perhaps(in) || v.Surely(in) {
		t.Error("who knows")
	}
	_ = v.Add(Home, Yes, "")
	if !v.Surely(in) {
		t.Error("that was seen")
	}
}
