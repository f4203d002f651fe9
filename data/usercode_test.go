package data

import "testing"

func TestAUserCodeIsTheSameHoweverItIsTyped(t *testing.T) {
	want := HashOfUserCode("BCDF-GHJK")
	for _, typed := range []string{"bcdf-ghjk", "BCDFGHJK", " bcdf ghjk ", "B-C-D-F\tG.H.J.K", "bcdf–ghjk"} {
		if HashOfUserCode(typed) != want {
			t.Errorf("%q is another code", typed)
		}
		if shown := ShowUserCode(typed); shown != "BCDF-GHJK" {
			t.Errorf("%q is shown as %q", typed, shown)
		}
	}
	for _, typed := range []string{"", "BCDF-GHJ", "BCDF-GHJKL", "BCDF-GHJ1"} {
		if HashOfUserCode(typed) == want {
			t.Errorf("%q is the same code", typed)
		}
	}
}
