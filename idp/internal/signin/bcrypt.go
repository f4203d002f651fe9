package signin

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// The costs of hashes that are read, from here or from elsewhere. The highest
// in the store is the work of every login, so it has a bound.
const (
	MinCost = 4
	MaxCost = 15
)

// ErrHash says that a text is no bcrypt hash that Signet can use.
var ErrHash = errors.New("signin: not a usable bcrypt hash")

var bcryptForm = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// ParseBcrypt checks the text of a hash, which may come from elsewhere, and
// returns its cost. The error wraps ErrHash and does not quote the text.
func ParseBcrypt(hash string) (cost int, err error) {
	m := bcryptForm.FindStringSubmatch(hash)
	if m == nil {
		return 0, fmt.Errorf("%w: want $2a$, $2b$ or $2y$, two digits, $ and 53 characters", ErrHash)
	}
	cost, err = strconv.Atoi(m[1])
	if err != nil || cost < MinCost || cost > MaxCost {
		return 0, fmt.Errorf("%w: its cost is %s, and must be from %d to %d", ErrHash, m[1], MinCost, MaxCost)
	}
	return cost, nil
}

// hasher is bcrypt, or what a test puts in its place to count the work.
type hasher interface {
	hash(password string, cost int) (string, error)
	matches(hash, password string) bool
}

type realBcrypt struct{}

func (realBcrypt) hash(password string, cost int) (string, error) {
	b, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return "", errors.New("signin: bcrypt refused the password") // its error might say more
	}
	return string(b), nil
}

func (realBcrypt) matches(hash, password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

// decoy is a hash of the given cost that no password has.
func decoy(cost int) string {
	return fmt.Sprintf("$2b$%02d$%s", cost, strings.Repeat(".", 53))
}

// prove compares a password with a hash, or with nothing if hash is "". The
// work is 2^most rounds, however it ends: a hash of cost c takes 2^c, and
// decoys of the costs c, c+1 … most-1 take the rest,
// since 2^c + (2^c + 2^(c+1) + … + 2^(most-1)) = 2^most.
func prove(h hasher, hash, password string, most int) bool {
	possible := usable(password) == nil && password != "" // bcrypt would cut it, and find the rest right
	password = normal(password)
	cost, err := ParseBcrypt(hash)
	if err != nil {
		h.matches(decoy(most), password)
		return false
	}
	right := h.matches(hash, password)
	for c := cost; c < most; c++ {
		h.matches(decoy(c), password)
	}
	return right && possible
}
