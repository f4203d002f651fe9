package data

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signet/data/kv"
)

// What the functions about users find.
var (
	ErrNoUser     = errors.New("data: no such user")
	ErrEmailTaken = errors.New("data: another user has this e-mail")
	ErrRole       = errors.New("data: not a role")
	ErrHash       = errors.New("data: not a bcrypt hash")
)

// User is a person who can sign in.
type User struct {
	V             int      `json:"v"`
	ID            UserID   `json:"id"`
	Email         string   `json:"email"`     // as the person wrote it
	EmailKey      string   `json:"email_key"` // Email.Key: what makes it one account
	EmailVerified bool     `json:"email_verified,omitzero"`
	Disabled      bool     `json:"disabled,omitzero"`
	Roles         []string `json:"roles,omitzero"`
	Profile       Profile  `json:"profile,omitzero"`

	// Epoch counts how often all grants of the user were ended. A grant of
	// another epoch is ended. It is a counter and not a time, since no clock
	// can be trusted to go forward.
	Epoch uint64 `json:"epoch,omitzero"`

	// TokenEpoch counts how often the user's access tokens were revoked while
	// the grants went on, since they said what no longer holds.
	TokenEpoch uint64 `json:"token_epoch,omitzero"`

	PasswordHash string    `json:"password_hash,omitzero"` // bcrypt; "" is nobody's password
	PasswordAt   time.Time `json:"password_at,omitzero"`   // when the password was last set
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

func (u *User) kind() string  { return "user" }
func (u *User) version() *int { return &u.V }

// The limits of a user's roles.
const (
	MaxRoles    = 32
	MaxRoleName = 64 // bytes
)

// CheckRoles accepts at most MaxRoles different names of letters, digits and
// . _ : / - . The error wraps ErrRole.
func CheckRoles(roles []string) error {
	if len(roles) > MaxRoles {
		return fmt.Errorf("%w: %d roles, and a user has at most %d", ErrRole, len(roles), MaxRoles)
	}
	seen := make(map[string]bool, len(roles))
	for _, role := range roles {
		if role == "" || len(role) > MaxRoleName {
			return fmt.Errorf("%w: a name has 1 to %d characters", ErrRole, MaxRoleName)
		}
		for _, c := range []byte(role) {
			if !isRoleByte(c) {
				return fmt.Errorf("%w: %q; a name has letters, digits and . _ : / -", ErrRole, role)
			}
		}
		if seen[role] {
			return fmt.Errorf("%w: %q is there twice", ErrRole, role)
		}
		seen[role] = true
	}
	return nil
}

func isRoleByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '.' || c == '_' || c == ':' || c == '/' || c == '-'
}

// maxCost is the highest cost that bcrypt knows.
const maxCost = 31

// costOf reads the cost out of a hash like $2b$12$ and 53 characters. The
// error wraps ErrHash.
func costOf(hash string) (int, error) {
	if len(hash) != 60 || hash[:2] != "$2" || hash[3] != '$' || hash[6] != '$' {
		return 0, fmt.Errorf("%w: it does not look like $2b$12$ and 53 characters", ErrHash)
	}
	if c := hash[2]; c != 'a' && c != 'b' && c != 'y' {
		return 0, fmt.Errorf("%w: the variant is not 2a, 2b or 2y", ErrHash)
	}
	tens, ones := int(hash[4])-'0', int(hash[5])-'0'
	cost := 10*tens + ones
	if tens < 0 || tens > 9 || ones < 0 || ones > 9 || cost < 4 || cost > maxCost {
		return 0, fmt.Errorf("%w: its cost is not 04 to %d", ErrHash, maxCost)
	}
	for _, c := range []byte(hash[7:]) {
		if c != '.' && c != '/' && (!isRoleByte(c) || c == '_' || c == ':' || c == '-') {
			return 0, fmt.Errorf("%w: it has a character that bcrypt does not use", ErrHash)
		}
	}
	return cost, nil
}

func getUser(tx kv.Reader, id UserID) (u User, found bool, err error) {
	found, err = get(tx, userKey(id), &u)
	return u, found, err
}

// User returns ErrNoUser where there is none.
func (s *Store) User(ctx context.Context, id UserID) (u User, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		var found bool
		u, found, err = getUser(tx, id)
		if err == nil && !found {
			err = ErrNoUser
		}
		return err
	})
	return u, err
}

// UserByEmail returns the user whose e-mail has this key, or ErrNoUser.
func (s *Store) UserByEmail(ctx context.Context, e Email) (u User, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		u, err = userByEmail(tx, e)
		return err
	})
	return u, err
}

func userByEmail(tx kv.Reader, e Email) (User, error) {
	id, err := tx.Get(emailKey(e.Key()))
	if err != nil {
		return User{}, err
	}
	if id == nil {
		return User{}, ErrNoUser
	}
	u, found, err := getUser(tx, UserID(id))
	if err == nil && !found {
		err = fmt.Errorf("%w: an e-mail names a user who is not there", kv.ErrDamaged)
	}
	return u, err
}

// maxPage bounds what one call of a list returns.
const maxPage = 1000

func pageLimit(limit int) int {
	if limit <= 0 || limit > maxPage {
		return maxPage
	}
	return limit
}

// Users lists users in the order of their ids, from the first after the given
// one ("": from the first): at most limit, and 1000 in any case. A page that is
// not full is the last.
func (s *Store) Users(ctx context.Context, after UserID, limit int) (users []User, err error) {
	limit = pageLimit(limit)
	var start []byte
	if after != "" {
		start = append(userKey(after), 0)
	}
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		var bad error
		err := tx.Scan([]byte(userPrefix), start, func(_, value []byte) bool {
			var u User
			if bad = decode(value, &u); bad != nil {
				return false
			}
			users = append(users, u)
			return len(users) < limit
		})
		return errors.Join(err, bad)
	})
	return users, err
}

// MaxCost returns the highest bcrypt cost of all password hashes, or 0 where
// there is none.
func (s *Store) MaxCost(ctx context.Context) (cost int, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		cost, err = highestCost(tx)
		return err
	})
	return cost, err
}

func highestCost(tx kv.Reader) (cost int, err error) {
	err = tx.Scan([]byte(costPrefix), nil, func(key, _ []byte) bool {
		d := key[len(costPrefix):]
		cost = maxCost - 10*int(d[0]-'0') - int(d[1]-'0')
		return false
	})
	return cost, err
}
