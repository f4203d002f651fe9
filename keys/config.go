package keys

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"signet/resource/token"
)

// Alg names a signature algorithm; the ring has one line for each.
type Alg = token.Alg

// Config is the schedule that the owner of the issuer asks for.
type Config struct {
	// Algs are the lines of the ring. The first is the default.
	Algs []Alg
	// RSABits is the size of new RSA keys: 2048, 3072 or 4096.
	RSABits int
	// RotateEvery is how long a key signs.
	RotateEvery time.Duration
	// PublishAhead is how long a key is in the JWKS before it may sign.
	PublishAhead time.Duration
	// Lease is how long a node acts on what the store last confirmed.
	Lease time.Duration
	// Skew is the most by which any two clocks differ, nodes and verifiers.
	Skew time.Duration
	// MaxLifetime is the longest lifetime of the tokens of each line.
	MaxLifetime map[Alg]time.Duration
}

// DefaultConfig is the schedule of an issuer without configuration.
func DefaultConfig() Config {
	return Config{
		Algs:         []Alg{token.ES256, token.RS256},
		RSABits:      2048,
		RotateEvery:  30 * 24 * time.Hour,
		PublishAhead: 10 * time.Minute,
		Lease:        30 * time.Second,
		Skew:         30 * time.Second,
		MaxLifetime:  map[Alg]time.Duration{token.ES256: 10 * time.Minute, token.RS256: 10 * time.Minute},
	}
}

// MaxAge is how long a copy of the JWKS may be used. It follows from the
// schedule: a key published ahead of its turn must be in every unexpired
// copy when its turn comes.
func (c Config) MaxAge() time.Duration { return c.PublishAhead - c.Lease - c.Skew }

// lifetime is the longest that any token may live. It holds for every line,
// since each may have to sign for another that is not ready.
func (c Config) lifetime() time.Duration {
	var longest time.Duration
	for _, d := range c.MaxLifetime {
		longest = max(longest, d)
	}
	return longest
}

// Validate refuses a schedule that would break the promise that every token
// can be verified, and shows the arithmetic. It lists all that is wrong.
func (c Config) Validate() error {
	return errors.Join(c.validateLines(), c.validateTimes(), c.validateLifetimes())
}

func (c Config) validateLines() error {
	var errs []error
	if len(c.Algs) == 0 {
		errs = append(errs, errors.New("keys: algs is empty: name at least one of ES256, RS256, PS256, EdDSA"))
	}
	for i, alg := range c.Algs {
		switch {
		case !alg.Known():
			errs = append(errs, fmt.Errorf("keys: alg %q is unknown: use ES256, RS256, PS256 or EdDSA", alg))
		case slices.Contains(c.Algs[:i], alg):
			errs = append(errs, fmt.Errorf("keys: alg %s is named twice", alg))
		}
	}
	rsa := slices.ContainsFunc(c.Algs, func(a Alg) bool { return a == token.RS256 || a == token.PS256 })
	if rsa && c.RSABits != 2048 && c.RSABits != 3072 && c.RSABits != 4096 {
		errs = append(errs, fmt.Errorf("keys: rsa_bits is %d: use 2048, 3072 or 4096", c.RSABits))
	}
	return errors.Join(errs...)
}

func (c Config) validateTimes() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"rotate_every", c.RotateEvery, 1}, {"publish_ahead", c.PublishAhead, 1},
		{"lease", c.Lease, 1}, {"skew", c.Skew, 0},
	} {
		if d.value < d.least {
			errs = append(errs, fmt.Errorf("keys: %s is %s: it must be longer", d.name, d.value))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if c.MaxAge() <= 0 {
		errs = append(errs, fmt.Errorf("keys: publish_ahead %s − lease %s − skew %s leaves a max-age of %s: publish_ahead must be longer than %s",
			c.PublishAhead, c.Lease, c.Skew, c.MaxAge(), c.Lease+c.Skew))
	}
	if c.RotateEvery < c.PublishAhead {
		errs = append(errs, fmt.Errorf("keys: rotate_every %s is shorter than publish_ahead %s: the next key would be ready %s after its turn",
			c.RotateEvery, c.PublishAhead, c.PublishAhead-c.RotateEvery))
	}
	return errors.Join(errs...)
}

func (c Config) validateLifetimes() error {
	var errs []error
	for alg, d := range c.MaxLifetime {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("keys: the longest lifetime of %s tokens is %s: it must be longer than nothing", alg, d))
		}
		if !slices.Contains(c.Algs, alg) {
			errs = append(errs, fmt.Errorf("keys: a lifetime is given for %s tokens, but no line signs them", alg))
		}
	}
	if len(c.MaxLifetime) == 0 {
		errs = append(errs, errors.New("keys: no longest lifetime is given: a key could never leave the JWKS"))
	}
	return errors.Join(errs...)
}
