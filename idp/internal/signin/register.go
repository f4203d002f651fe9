package signin

import (
	"context"
	"errors"
	"net/netip"

	"signet/data"
)

// ErrRegistrationClosed says that nobody registers here.
var ErrRegistrationClosed = errors.New("signin: registration is closed")

// RegisterRequest is someone who wants to be a user.
type RegisterRequest struct {
	Email, Password string
	Name            string // how the person wants to be called, or ""
	Invitation      string // the code, or ""
	Addr            netip.Addr
}

// Register makes a user, whose e-mail is not verified and whose roles are
// those of the invitation. Its errors are a *FieldError, data.ErrEmailTaken,
// data.ErrNoInvitation, ErrRegistrationClosed, a *ThrottledError, a
// *BusyError, and failures of the store and of ctx.
func (s *Service) Register(ctx context.Context, r RegisterRequest) (data.User, error) {
	email, invitation, err := s.checkRegistration(r)
	if err != nil {
		return data.User{}, err
	}
	g := s.guess(s.account(email), r.Addr, nil)
	if err := s.guard.register(ctx, g.network, s.o.Now()); err != nil {
		return data.User{}, err
	}
	if s.o.Registration == Open && invitation == (data.InvitationHash{}) {
		// An answer that everyone gets anyway, before the work. With an
		// invitation it is for those alone whose code is good.
		switch _, err := s.store.UserByEmail(ctx, email); {
		case err == nil:
			return data.User{}, data.ErrEmailTaken
		case !errors.Is(err, data.ErrNoUser):
			return data.User{}, err
		}
	}
	hash, err := s.hash(ctx, g.network, r.Password)
	if err != nil {
		s.undo(ctx, func(ctx context.Context) error { return s.guard.unregister(ctx, g.network, s.o.Now()) })
		return data.User{}, err
	}
	return s.store.CreateUser(ctx, data.User{
		Email: r.Email, PasswordHash: hash, Profile: data.Profile{Name: r.Name},
	}, invitation)
}

func (s *Service) checkRegistration(r RegisterRequest) (email data.Email, invitation data.InvitationHash, err error) {
	if s.o.Registration == Closed {
		return email, invitation, ErrRegistrationClosed
	}
	if email, err = parseEmail(r.Email); err != nil {
		return email, invitation, err
	}
	if err := checkNew(r.Password, s.o.MinLength, email.String(), email.Key()); err != nil {
		return email, invitation, fieldError("password", err)
	}
	if r.Invitation != "" {
		invitation = data.InvitationCode(r.Invitation).Hash()
	} else if s.o.Registration == Invitation {
		return email, invitation, &FieldError{Field: "invitation", Problem: "is needed to register here", Reason: ReasonMissing}
	}
	return email, invitation, nil
}

// HashNew checks a new password and hashes it, for the command. Its errors are
// a *FieldError, a *BusyError and that of ctx.
func (s *Service) HashNew(ctx context.Context, password string) (string, error) {
	if err := checkNew(password, s.o.MinLength); err != nil {
		return "", fieldError("password", err)
	}
	return s.hash(ctx, tag{}, password)
}

func (s *Service) hash(ctx context.Context, network tag, password string) (hash string, err error) {
	var bad error
	if err := s.room.do(ctx, network, func() { hash, bad = s.o.bcrypt.hash(normal(password), s.o.Cost) }); err != nil {
		return "", err
	}
	return hash, bad
}
