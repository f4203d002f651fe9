package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"signet/data"
)

// User is a person as the owner of the issuer may see them: without a hash.
type User struct {
	ID            data.UserID  `json:"id"`
	Email         string       `json:"email"`
	EmailVerified bool         `json:"email_verified"`
	Disabled      bool         `json:"disabled"`
	Roles         []string     `json:"roles"`
	Profile       data.Profile `json:"profile,omitzero"`
	HasPassword   bool         `json:"has_password"`
	PasswordAt    time.Time    `json:"password_at,omitzero"`
	CreatedAt     time.Time    `json:"created_at"`
	UpdatedAt     time.Time    `json:"updated_at"`
}

func shown(u data.User) User {
	return User{
		ID: u.ID, Email: u.Email, EmailVerified: u.EmailVerified, Disabled: u.Disabled,
		Roles: append([]string{}, u.Roles...), Profile: u.Profile, HasPassword: u.PasswordHash != "", PasswordAt: u.PasswordAt,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

// Grant is what a client holds for a user.
type Grant struct {
	ID        data.GrantID `json:"id"`
	Client    string       `json:"client"`
	Audience  []string     `json:"audience,omitzero"`
	CreatedAt time.Time    `json:"created_at"`
	UsedAt    time.Time    `json:"used_at"`
	ExpiresAt time.Time    `json:"expires_at"`
}

// UserGrants is a user and, of the grants that are alive, the first thousand.
type UserGrants struct {
	User
	Grants []Grant `json:"grants"`
}

// UserChange is a user after a change, and when the last access token ends
// that says how things were before it.
type UserChange struct {
	User
	GrantsEnded bool      `json:"grants_ended"`
	TokensUntil time.Time `json:"tokens_until"`
}

// NewUser is what AddUser needs.
type NewUser struct {
	Email         string   `json:"email"`
	EmailVerified bool     `json:"email_verified,omitzero"`
	Roles         []string `json:"roles,omitzero"`
	Password      string   `json:"password,omitzero"` // "": none, so nobody signs in as the user
}

// RoleChange says which roles a user gets and loses. Set, where it is not nil,
// replaces all that were there.
type RoleChange struct {
	Set    *[]string `json:"set,omitzero"`
	Add    []string  `json:"add,omitzero"`
	Remove []string  `json:"remove,omitzero"`
}

// ProfileValue is a text of a user's profile; "" takes it away.
type ProfileValue struct {
	Name  string `json:"name"` // one of data.ProfileNames
	Value string `json:"value"`
}

type usersInput struct {
	After data.UserID `json:"after,omitzero"`
	Limit int         `json:"limit,omitzero"`
}

type userInput struct {
	Who      string     `json:"who"` // an e-mail or an id
	Roles    RoleChange `json:"roles,omitzero"`
	Disabled bool       `json:"disabled,omitzero"`
	Password string     `json:"password,omitzero"`

	Profile []ProfileValue `json:"profile,omitzero"`
}

// AddUser makes a user. It fails with Usage and Refused.
func (c *Client) AddUser(ctx context.Context, u NewUser) (User, error) {
	return call[NewUser, User](ctx, c, opAddUser, u)
}

// Users lists a page of users, in the order of their ids; a page of fewer than
// limit is the last.
func (c *Client) Users(ctx context.Context, after data.UserID, limit int) ([]User, error) {
	return call[usersInput, []User](ctx, c, opUsers, usersInput{after, limit})
}

// User returns a user, found by e-mail or id. It fails with NoSuch.
func (c *Client) User(ctx context.Context, who string) (UserGrants, error) {
	return call[userInput, UserGrants](ctx, c, opUser, userInput{Who: who})
}

// Roles changes a user's roles. The user's grants go on, and take the new ones
// at their next turn.
func (c *Client) Roles(ctx context.Context, who string, change RoleChange) (UserChange, error) {
	return call[userInput, UserChange](ctx, c, opRoles, userInput{Who: who, Roles: change})
}

// Profile changes what is said of a user, all of it or, where one value is
// refused (Usage), nothing.
func (c *Client) Profile(ctx context.Context, who string, values []ProfileValue) (UserChange, error) {
	return call[userInput, UserChange](ctx, c, opProfile, userInput{Who: who, Profile: values})
}

// Remove takes a user out of the store, with the user's grants. The e-mail is
// free then.
func (c *Client) Remove(ctx context.Context, who string) (UserChange, error) {
	return call[userInput, UserChange](ctx, c, opRemove, userInput{Who: who})
}

// Disable stops a user from signing in and ends the user's grants, or allows
// it again.
func (c *Client) Disable(ctx context.Context, who string, disabled bool) (UserChange, error) {
	return call[userInput, UserChange](ctx, c, opDisable, userInput{Who: who, Disabled: disabled})
}

// SetPassword gives a user a password and ends the user's grants.
func (c *Client) SetPassword(ctx context.Context, who, password string) (UserChange, error) {
	return call[userInput, UserChange](ctx, c, opPassword, userInput{Who: who, Password: password})
}

// SignOut ends a user's grants.
func (c *Client) SignOut(ctx context.Context, who string) (UserChange, error) {
	return call[userInput, UserChange](ctx, c, opSignOut, userInput{Who: who})
}

// find returns the user with this id or e-mail.
func (s *Services) find(ctx context.Context, who string) (u data.User, err error) {
	if id, bad := data.ParseUserID(who); bad == nil {
		u, err = s.Store.User(ctx, id)
	} else {
		email, bad := data.ParseEmail(who)
		if bad != nil {
			return u, errorf(Usage, "%q is neither an e-mail address nor a user's id", who)
		}
		u, err = s.Store.UserByEmail(ctx, email)
	}
	if errors.Is(err, data.ErrNoUser) {
		return u, errorf(NoSuch, "there is no user %s", who)
	}
	return u, err
}

func (s *Services) addUser(ctx context.Context, in NewUser) (User, error) {
	email, err := data.ParseEmail(in.Email)
	if err != nil {
		return User{}, err
	}
	if err := data.CheckRoles(in.Roles); err != nil {
		return User{}, err
	}
	switch _, err := s.Store.UserByEmail(ctx, email); {
	case err == nil:
		return User{}, taken(email)
	case !errors.Is(err, data.ErrNoUser):
		return User{}, err
	}
	u := data.User{Email: in.Email, EmailVerified: in.EmailVerified, Roles: in.Roles}
	if in.Password != "" {
		if u.PasswordHash, err = s.Signin.HashNew(ctx, in.Password); err != nil {
			return User{}, err
		}
	}
	u, err = s.Store.CreateUser(ctx, u, data.InvitationHash{})
	if errors.Is(err, data.ErrEmailTaken) {
		return User{}, taken(email)
	}
	if err != nil {
		return User{}, err
	}
	s.did(ctx, opAddUser, "user", u.ID)
	return shown(u), nil
}

func taken(e data.Email) *Error {
	return errorf(Refused, "%s has an account already; nothing was changed", e)
}

func (s *Services) users(ctx context.Context, in usersInput) ([]User, error) {
	page, err := s.Store.Users(ctx, in.After, in.Limit)
	out := make([]User, len(page))
	for i, u := range page {
		out[i] = shown(u)
	}
	return out, err
}

func (s *Services) user(ctx context.Context, in userInput) (UserGrants, error) {
	u, err := s.find(ctx, in.Who)
	if err != nil {
		return UserGrants{}, err
	}
	list, err := s.Store.UserGrants(ctx, u.ID, data.GrantID{}, 0)
	if err != nil {
		return UserGrants{}, err
	}
	out := UserGrants{User: shown(u), Grants: make([]Grant, len(list))}
	for i, g := range list {
		out.Grants[i] = Grant{ID: g.ID, Client: g.Client, Audience: g.Audience, CreatedAt: g.CreatedAt, UsedAt: g.TurnedAt, ExpiresAt: g.ExpiresAt}
	}
	return out, nil
}

func (s *Services) changed(ctx context.Context, op operation, u data.User, ended bool) UserChange {
	s.did(ctx, op, "user", u.ID)
	return UserChange{User: shown(u), GrantsEnded: ended, TokensUntil: s.Now().Add(s.AccessLifetime).Round(0)}
}

func (s *Services) roles(ctx context.Context, in userInput) (UserChange, error) {
	u, err := s.find(ctx, in.Who)
	if err != nil {
		return UserChange{}, err
	}
	u, err = s.Store.ChangeUser(ctx, u.ID, func(u *data.User) error {
		roles := slices.Clone(u.Roles)
		if in.Roles.Set != nil {
			roles = slices.Clone(*in.Roles.Set)
		}
		for _, role := range in.Roles.Add {
			if !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		}
		u.Roles = slices.DeleteFunc(roles, func(r string) bool { return slices.Contains(in.Roles.Remove, r) })
		return nil
	})
	if err != nil {
		return UserChange{}, err
	}
	return s.changed(ctx, opRoles, u, false), nil
}

func (s *Services) profile(ctx context.Context, in userInput) (UserChange, error) {
	u, err := s.find(ctx, in.Who)
	if err != nil {
		return UserChange{}, err
	}
	// In the order of their names: a phone number, and then that it is verified.
	slices.SortStableFunc(in.Profile, func(a, b ProfileValue) int { return strings.Compare(a.Name, b.Name) })
	u, err = s.Store.ChangeUser(ctx, u.ID, func(u *data.User) error {
		for _, v := range in.Profile {
			if err := u.Profile.Set(v.Name, v.Value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return UserChange{}, err
	}
	return s.changed(ctx, opProfile, u, false), nil
}

func (s *Services) disable(ctx context.Context, in userInput) (UserChange, error) {
	u, err := s.find(ctx, in.Who)
	if err != nil {
		return UserChange{}, err
	}
	ends := in.Disabled && !u.Disabled
	u, err = s.Store.ChangeUser(ctx, u.ID, func(u *data.User) error {
		u.Disabled = in.Disabled
		return nil
	})
	if err != nil {
		return UserChange{}, err
	}
	return s.changed(ctx, opDisable, u, ends), nil
}

func (s *Services) remove(ctx context.Context, in userInput) (UserChange, error) {
	u, err := s.find(ctx, in.Who)
	if err != nil {
		return UserChange{}, err
	}
	if err := s.Store.DeleteUser(ctx, u.ID); err != nil {
		return UserChange{}, err
	}
	return s.changed(ctx, opRemove, u, true), nil
}

func (s *Services) setPassword(ctx context.Context, in userInput) (UserChange, error) {
	u, err := s.find(ctx, in.Who)
	if err != nil {
		return UserChange{}, err
	}
	hash, err := s.Signin.HashNew(ctx, in.Password)
	if err != nil {
		return UserChange{}, err
	}
	if u, err = s.Store.ChangePassword(ctx, u.ID, hash, nil); err != nil {
		return UserChange{}, err
	}
	return s.changed(ctx, opPassword, u, true), nil
}

func (s *Services) signOut(ctx context.Context, in userInput) (UserChange, error) {
	u, err := s.find(ctx, in.Who)
	if err != nil {
		return UserChange{}, err
	}
	if err := s.Store.EndUserGrants(ctx, u.ID, nil); err != nil {
		return UserChange{}, err
	}
	return s.changed(ctx, opSignOut, u, true), nil
}
