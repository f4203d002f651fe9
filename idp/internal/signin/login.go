package signin

import (
	"context"
	"errors"
	"net/netip"

	"signet/data"
)

// ErrWrongPassword is all that anyone learns of a login that failed: the
// password is wrong, or there is no such person, or they have no password, or
// they are disabled.
var ErrWrongPassword = errors.New("signin: wrong e-mail or password")

// LoginRequest is one attempt to sign in.
type LoginRequest struct {
	Email, Password string
	Addr            netip.Addr // of the client, as far as it is known
	Known           string     // the cookie of an earlier success, or ""
}

// LoginResult is a success.
type LoginResult struct {
	User data.User

	// KnownCookie tells this browser's next login from a stranger's. It is
	// good for Throttle.KnownFor; "" if that is 0. It opens nothing.
	KnownCookie string
}

// Login checks an e-mail and a password. Its errors are ErrWrongPassword, a
// *FieldError for what cannot be an e-mail or is no password at all, a
// *ThrottledError, a *BusyError, and failures of the store and of ctx.
func (s *Service) Login(ctx context.Context, r LoginRequest) (LoginResult, error) {
	email, err := parseEmail(r.Email)
	if err != nil {
		return LoginResult{}, err
	}
	if r.Password == "" {
		return LoginResult{}, &FieldError{Field: "password", Problem: "must not be empty", Reason: ReasonMissing}
	}
	account, now := s.account(email), s.o.Now()
	var seat []byte
	b, known := s.secrets.knows(r.Known, account, now)
	if known = known && s.o.Throttle.KnownFor > 0; known {
		seat = b[:]
	} else if b, err = newBrowser(s.o.Rand); err != nil {
		return LoginResult{}, err
	}
	g := s.guess(account, r.Addr, seat)
	user, most, err := s.guard.login(ctx, g, email, now)
	if err != nil {
		return LoginResult{}, err
	}
	user, err = s.login(ctx, g.network, user, r.Password, s.work(most))
	if err = s.settle(ctx, g, err); err != nil {
		return LoginResult{}, err
	}
	result := LoginResult{User: user}
	if s.o.Throttle.KnownFor > 0 {
		result.KnownCookie = s.secrets.know(account, b, now.Add(s.o.Throttle.KnownFor))
	}
	return result, nil
}

// settle counts a guess by how it ended, and returns err. Only a guess that
// was never looked at is given back.
func (s *Service) settle(ctx context.Context, g guess, err error) error {
	var early *unlooked
	switch {
	case err == nil:
		s.undo(ctx, func(ctx context.Context) error { return s.guard.succeed(ctx, g, s.o.Now()) })
	case errors.As(err, &early):
		s.undo(ctx, func(ctx context.Context) error { return s.guard.giveBack(ctx, g, s.o.Now()) })
		return early.error
	}
	return err
}

// undo takes back what was counted, whether or not somebody still waits for the
// answer. That it could not is no reason to turn away who knows the password:
// one guess too many is counted then.
func (s *Service) undo(ctx context.Context, do func(context.Context) error) {
	ctx = context.WithoutCancel(ctx)
	s.undoing.Note(ctx, s.o.Logger, "taking back what was counted as a wrong password", do(ctx))
}

// unlooked marks an error that came before the password was looked at.
type unlooked struct{ error }

func (s *Service) login(ctx context.Context, network tag, user data.User, password string, most int) (data.User, error) {
	var right bool
	var again string // the same password, hashed as it would be today
	err := s.room.do(ctx, network, func() {
		right = prove(s.o.bcrypt, user.PasswordHash, password, most) && !user.Disabled
		if cost, err := ParseBcrypt(user.PasswordHash); right && err == nil && cost != s.o.Cost {
			again, _ = s.o.bcrypt.hash(normal(password), s.o.Cost)
		}
	})
	if err != nil {
		return data.User{}, &unlooked{err}
	}
	if !right {
		return data.User{}, ErrWrongPassword
	}
	if again != "" {
		user = s.rehash(ctx, user, again)
	}
	return user, nil
}

// work is the cost that every login takes at least: the highest in the store,
// and that of new hashes. The highest is read each time; a remembered one would
// betray those whose hash is newer.
func (s *Service) work(highest int) int { return max(s.o.Cost, min(highest, MaxCost)) }

// errOvertaken says that the hash is no longer the one that was proved.
var errOvertaken = errors.New("signin: the password was changed in the meantime")

// rehash replaces the hash that was just proved, and no other. That it could
// not is no reason to turn away who knows the password.
func (s *Service) rehash(ctx context.Context, user data.User, hash string) data.User {
	changed, err := s.store.ChangeUser(ctx, user.ID, func(u *data.User) error {
		if u.PasswordHash != user.PasswordHash {
			return errOvertaken
		}
		u.PasswordHash = hash
		return nil
	})
	switch {
	case err == nil:
		return changed
	case !errors.Is(err, errOvertaken):
		s.o.Logger.Warn("a password was not hashed anew", "user", user.ID, "error", err)
	}
	return user
}

// ChangePassword replaces the password of a signed-in user who knows the
// current one, and ends all grants of the user but keep, which is the one that
// the request came with. Its errors are those of Login; a *FieldError names
// the field new.
func (s *Service) ChangePassword(ctx context.Context, id data.UserID, current, new string, keep *data.GrantID, addr netip.Addr) (data.User, error) {
	user, err := s.store.User(ctx, id)
	if err != nil {
		return data.User{}, err
	}
	if err := checkNew(new, s.o.MinLength, user.Email, user.EmailKey); err != nil {
		return data.User{}, fieldError("new", err)
	}
	email, err := data.ParseEmail(user.Email)
	if err != nil {
		return data.User{}, err
	}
	var seat []byte
	if keep != nil {
		seat = keep[:]
	}
	g := s.guess(s.account(email), addr, seat)
	if err := s.guard.reserve(ctx, g, s.o.Now()); err != nil {
		return data.User{}, err
	}
	hash, err := s.replacement(ctx, g.network, user, current, new)
	if err = s.settle(ctx, g, err); err != nil {
		return data.User{}, err
	}
	user, err = s.store.ReplacePassword(ctx, id, user.PasswordHash, hash, keep)
	if errors.Is(err, data.ErrPasswordChanged) {
		return data.User{}, ErrWrongPassword
	}
	return user, err
}

// replacement proves the current password and hashes the new one, in one turn.
func (s *Service) replacement(ctx context.Context, network tag, user data.User, current, new string) (hash string, err error) {
	highest, err := s.store.MaxCost(ctx)
	if err != nil {
		return "", &unlooked{err}
	}
	var bad error
	err = s.room.do(ctx, network, func() {
		if !prove(s.o.bcrypt, user.PasswordHash, current, s.work(highest)) || user.Disabled {
			bad = ErrWrongPassword
			return
		}
		hash, bad = s.o.bcrypt.hash(normal(new), s.o.Cost)
	})
	if err != nil {
		return "", &unlooked{err}
	}
	return hash, bad
}
