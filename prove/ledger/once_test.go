package ledger

import "testing"

func TestWhatWorksOnce(t *testing.T) {
	for name, c := range map[string]struct {
		past   []Reply
		last   Reply
		broken bool
	}{
		"it works":                          {nil, Yes, false},
		"it has to":                         {nil, Invalid, true},
		"once":                              {[]Reply{Yes}, Yes, true},
		"and not again":                     {[]Reply{Yes}, Invalid, false},
		"nor after a use without an answer": {[]Reply{Yes, Silence}, Yes, true},
		"a use without an answer may have worked": {[]Reply{Silence}, Invalid, false},
		"or not":                    {[]Reply{Silence}, Yes, false},
		"but it does not come back": {[]Reply{Silence, Invalid}, Yes, true},
		"another reply is none":     {nil, NoPerson, true},
	} {
		t.Run(name, func(t *testing.T) {
			var o Once
			for _, reply := range c.past {
				if err := o.Use(reply); err != nil {
					t.Fatal(err)
				}
			}
			if err := o.Use(c.last); (err != nil) != c.broken {
				t.Errorf("broken %t: %v", !c.broken, err)
			}
		})
	}
}
