package signin

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestEveryProofIsTheSameWork(t *testing.T) {
	const most = 12
	for cost := MinCost; cost <= most; cost++ {
		c := &countingBcrypt{}
		hash := c.text(good, cost)
		for _, tt := range []struct {
			name, hash, password string
			want                 bool
		}{
			{"the right password", hash, good, true},
			{"a wrong password", hash, "wrong", false},
			{"an empty password", hash, "", false},
			{"a password that is too long", hash, strings.Repeat("x", 100), false},
			{"a password that is no text", hash, "\xff", false},
			{"nobody", "", good, false},
			{"a hash that is none", "x", good, false},
		} {
			if got := prove(c, tt.hash, tt.password, most); got != tt.want {
				t.Errorf("cost %d, %s: %v", cost, tt.name, got)
			}
			if got := c.spent(); got != 1<<most {
				t.Errorf("cost %d, %s: %d rounds, want %d", cost, tt.name, got, 1<<most)
			}
		}
	}
}

func TestAPasswordIsNeverCut(t *testing.T) {
	h := realBcrypt{}
	whole := strings.Repeat("x", maxPassword)
	hash, err := h.hash(whole, MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if !prove(h, hash, whole, MinCost) {
		t.Error("72 bytes were refused")
	}
	if prove(h, hash, whole+"y", MinCost) {
		t.Error("a 73rd byte was not looked at")
	}
}

func TestADecoyIsARealHashThatNobodyHas(t *testing.T) {
	for cost := MinCost; cost <= 5; cost++ {
		if got, err := ParseBcrypt(decoy(cost)); err != nil || got != cost {
			t.Errorf("%s is of cost %d, %v", decoy(cost), got, err)
		}
		if (realBcrypt{}).matches(decoy(cost), "") {
			t.Error("the empty password opens it")
		}
	}
}

// vector is the hash of "U*U" that John the Ripper and others test with.
const vector = "$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

func TestHashesFromElsewhere(t *testing.T) {
	for _, variant := range []string{"$2a", "$2b", "$2y"} {
		cost, err := ParseBcrypt(variant + vector)
		if err != nil || cost != 5 {
			t.Errorf("%s is of cost %d, %v", variant, cost, err)
		}
		if !prove(realBcrypt{}, variant+vector, "U*U", 6) || prove(realBcrypt{}, variant+vector, "U*V", 6) {
			t.Errorf("%s is not compared rightly", variant)
		}
	}
	tail := strings.Repeat("a", 53)
	for cost := range 100 {
		got, err := ParseBcrypt(fmt.Sprintf("$2b$%02d$%s", cost, tail))
		if want := cost >= MinCost && cost <= MaxCost; want != (err == nil) || want && got != cost {
			t.Errorf("cost %d gave %d, %v", cost, got, err)
		}
	}
	for _, bad := range []string{
		"", "x", "$2x$05$" + tail, "$2$05$" + tail, "$3b$05$" + tail, "$2b$5$" + tail, "$2b$05$" + tail + "a",
		"$2b$05$" + tail[1:], "$2b$05$" + tail[1:] + "!", "$2b$05$" + tail + "\n", " $2b$05$" + tail, "$argon2id$v=19$" + tail,
	} {
		if _, err := ParseBcrypt(bad); !errors.Is(err, ErrHash) || bad != "" && strings.Contains(err.Error(), tail) {
			t.Errorf("%q gave %v", bad, err)
		}
	}
}
