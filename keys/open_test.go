package keys

import (
	"errors"
	"strings"
	"testing"
	"time"

	"signet/resource/token"
)

func TestAStoreThatCannotBeOpenedSaysWhatAndWhatNow(t *testing.T) {
	good := &memStore{}
	mustOpen(t, testOptions(good, newTestClock().now, token.ES256))
	text := string(good.raw)
	sealedOf := func(n int) string { return strings.Split(strings.Split(text, `"sealed":"`)[n], `"`)[0] }
	swapped := strings.NewReplacer(sealedOf(1), sealedOf(2), sealedOf(2), sealedOf(1)).Replace(text)
	other := &memStore{}
	mustOpen(t, testOptions(other, newTestClock().now, token.ES256))
	publicOf := func(text string) string { return strings.Split(strings.Split(text, `"x":"`)[1], `}`)[0] }
	foreign := strings.Replace(text, publicOf(text), publicOf(string(other.raw)), 1)
	for name, c := range map[string]struct {
		raw  string
		want error
		says string
	}{
		"not JSON":                        {"PK\x03\x04", ErrDamaged, "restore the store from a backup"},
		"cut":                             {text[:200], ErrDamaged, "the key ring"},
		"of a later release":              {strings.Replace(text, `"v":1`, `"v":9`, 1), ErrVersion, "run the release that wrote it"},
		"with an unknown member":          {strings.Replace(text, `"v":1`, `"v":1,"new":true`, 1), ErrDamaged, "new"},
		"with two active keys":            {strings.Replace(text, `"pending"`, `"active","active_since":"2026-01-01T00:00:00Z"`, 1), ErrDamaged, "two"},
		"with the private halves swapped": {swapped, ErrSealBroken, "holds what was sealed as"},
		"with a stranger's public half":   {foreign, ErrDamaged, "its public half is another key's"},
		"with a public half of no curve":  {strings.Replace(text, `"crv":"P-256"`, `"crv":"P-384"`, 1), ErrDamaged, "public half"},
	} {
		_, err := Open(t.Context(), testOptions(&memStore{raw: []byte(c.raw)}, newTestClock().now, token.ES256))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := testOptions(&memStore{raw: good.raw}, newTestClock().now, token.ES256)
	o.Sealer = NewSealer(otherMasterKey, "store1")
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrWrongMasterKey) {
		t.Errorf("another master key: %v", err)
	}
	o.Sealer = NewSealer(testMasterKey, "store2")
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrSealBroken) {
		t.Errorf("another store: %v", err)
	}
}

func TestAScheduleThatBreaksThePromiseIsRefusedWithTheArithmetic(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"no max-age":        {func(c *Config) { c.PublishAhead = time.Minute }, "publish_ahead 1m0s − lease 30s − skew 30s leaves a max-age of 0s"},
		"turns too fast":    {func(c *Config) { c.RotateEvery = 9 * time.Minute }, "the next key would be ready 1m0s after its turn"},
		"small RSA":         {func(c *Config) { c.RSABits = 1024 }, "rsa_bits is 1024: use 2048, 3072 or 4096"},
		"odd RSA":           {func(c *Config) { c.RSABits = 2049 }, "rsa_bits"},
		"unknown alg":       {func(c *Config) { c.Algs = []Alg{"HS256"} }, `alg "HS256" is unknown`},
		"alg twice":         {func(c *Config) { c.Algs = append(c.Algs, token.ES256) }, "ES256 is named twice"},
		"no lines":          {func(c *Config) { c.Algs = nil }, "algs is empty"},
		"negative skew":     {func(c *Config) { c.Skew = -1 }, "skew is -1ns"},
		"no lease":          {func(c *Config) { c.Lease = 0 }, "lease is 0s"},
		"negative lifetime": {func(c *Config) { c.MaxLifetime[token.ES256] = -1 }, "lifetime"},
		"no lifetime":       {func(c *Config) { c.MaxLifetime = nil }, "never leave"},
		"lifetime unsigned": {func(c *Config) { c.MaxLifetime[token.PS256] = 1 }, "no line signs"},
	} {
		cfg := DefaultConfig()
		c.change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if cfg := DefaultConfig(); cfg.Validate() != nil || cfg.MaxAge() != 9*time.Minute {
		t.Error(cfg.Validate(), cfg.MaxAge())
	}
}

func TestResealingTakesOneChangeAndTheOldKeyOpensNothingMore(t *testing.T) {
	store, clk := &memStore{}, newTestClock()
	o := testOptions(store, clk.now, token.ES256)
	r := mustOpen(t, o)
	to := NewSealer(otherMasterKey, "store1")
	for range 2 { // the second finds it done
		if err := r.Reseal(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrWrongMasterKey) {
		t.Errorf("the old key still opens: %v", err)
	}
	if _, err := r.Rotate(t.Context(), "", false); err != nil { // makes a key under the new one
		t.Error(err)
	}
	o.Sealer = to
	mustOpen(t, o)
	o.Sealer = NewSealer(testMasterKey, "store1").Accepting(otherMasterKey)
	mustOpen(t, o)
}

func TestAfterARestoreNothingOfTheBackupSigns(t *testing.T) {
	store, clk := &memStore{}, newTestClock()
	o := testOptions(store, clk.now, token.ES256)
	r := mustOpen(t, o)
	before := r.List()
	clk.add(time.Hour)
	o.Sealer = NewSealer(otherMasterKey, "store1") // a new master key is no hindrance
	if err := AfterRestore(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	r = mustOpen(t, o)
	for _, k := range before {
		if _, _, state, ok := r.Snapshot().Public(k.KID); !ok || state != Retiring {
			t.Errorf("%s is %s", k.KID, state)
		}
	}
	s, err := r.Snapshot().Signer(token.ES256)
	if err != nil || s.KID() == before[0].KID || s.KID() == before[1].KID {
		t.Errorf("%v signs, %v", s, err)
	}
	if err := AfterRestore(t.Context(), testOptions(&memStore{}, clk.now, token.ES256)); err != nil {
		t.Errorf("a backup without a ring: %v", err)
	}
}
