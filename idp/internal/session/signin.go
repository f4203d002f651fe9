package session

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"signet/data"
)

const (
	// maxAccounts bounds the accounts of a session; the one used longest ago
	// makes room.
	maxAccounts = 8
	// maxClients bounds those who are told of an account's end.
	maxClients = 200
	// maxAgent bounds what is kept of a User-Agent, in bytes.
	maxAgent = 200
)

// SignIn adds the user to the browser's session, or signs them in anew, under a
// new name and secret: what was in the browser before is worth nothing (session
// fixation). authTime is now. user is the record that the password was checked
// against; where it has another epoch by now, the account is dead already.
func (s *Service) SignIn(ctx context.Context, w http.ResponseWriter, r *http.Request, user data.User, amr []string) (Account, Session, error) {
	name, _, err := s.o.Store.NewSecret("")
	if err != nil {
		return Account{}, Session{}, err
	}
	secret, _, err := s.o.Store.NewSecret("")
	if err != nil {
		return Account{}, Session{}, err
	}
	id, err := s.o.Store.NewID()
	if err != nil {
		return Account{}, Session{}, err
	}
	now := s.now()
	shown, _ := s.shown(w, r)
	next := newCookie(name, secret)
	fresh := data.Account{ID: id, User: user.ID, Epoch: user.Epoch, AuthTime: now, AMR: amr}

	var account data.Account
	made, err := s.o.Store.ReplaceSession(ctx, shown.hash, func(old data.Session) data.Session {
		v := data.Session{Hash: next.hash, Secret: data.HashOf(secret), RotatedAt: now,
			Agent: agent(r.UserAgent()), CreatedAt: now, SeenAt: now, MaxAt: now.Add(s.o.Max)}
		s.see(&v, now)
		account = fresh
		if s.holds(old, shown) {
			account, v.Accounts = join(old.Accounts, fresh)
		} else {
			v.Accounts = []data.Account{fresh}
		}
		return v
	})
	if err != nil {
		return Account{}, Session{}, err
	}
	s.session.put(w, next.text(), s.o.Max)
	session, err := s.alive(ctx, made)
	if err != nil {
		return Account{}, Session{}, err
	}
	s.keepState(w, r, session)
	return Account{Account: account, Person: user}, session, nil
}

// holds tells whether the cookie opens the session.
func (s *Service) holds(v data.Session, shown cookie) bool {
	return !v.Hash.IsZero() && !s.decide(&v, shown).stolen
}

// join puts fresh before the others. The same user of the same epoch stays the
// account that it was, with a new proof; one of another epoch has ended.
func join(accounts []data.Account, fresh data.Account) (data.Account, []data.Account) {
	var others []data.Account
	for _, a := range accounts {
		switch {
		case a.User != fresh.User:
			others = append(others, a)
		case a.Epoch == fresh.Epoch:
			fresh.ID, fresh.Clients = a.ID, a.Clients
		}
	}
	others = others[:min(len(others), maxAccounts-1)]
	return fresh, append([]data.Account{fresh}, others...)
}

// Touch notes that the account told a client who it is, so that the client is
// told of the end, and makes it the one used last. It writes only what changes.
// It returns ErrSignedOut where the account is not there any more: the client
// must not be given anything then.
func (s *Service) Touch(ctx context.Context, session data.Hash, account, client string) error {
	v, err := s.o.Store.Sessions.Get(ctx, session)
	if err == nil && len(v.Accounts) > 0 && v.Accounts[0].ID == account && slices.Contains(v.Accounts[0].Clients, client) {
		return nil
	}
	there := false
	err = s.o.Store.Sessions.Change(ctx, session, func(v *data.Session) data.Change {
		i := slices.IndexFunc(v.Accounts, func(a data.Account) bool { return a.ID == account })
		if there = i >= 0; !there {
			return data.Keep
		}
		a := v.Accounts[i]
		if !slices.Contains(a.Clients, client) {
			a.Clients = append(slices.Clone(a.Clients), client)
			a.Clients = a.Clients[max(0, len(a.Clients)-maxClients):]
		}
		v.Accounts = append([]data.Account{a}, slices.Delete(v.Accounts, i, i+1)...)
		return data.Save
	})
	if errors.Is(err, data.ErrNone) || err == nil && !there {
		return ErrSignedOut
	}
	return err
}

// agent is the User-Agent, cut short, with nothing in it that a page or a log
// could stumble over.
func agent(text string) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	if len(text) > maxAgent {
		text = strings.ToValidUTF8(text[:maxAgent], "")
	}
	return text
}

// Left is an account that was signed out, with the clients that are to be told.
type Left struct {
	Session data.Hash
	Account data.Account
}

func leftOf(v data.Session) (left []Left) {
	for _, a := range v.Accounts {
		left = append(left, Left{Session: v.Hash, Account: a})
	}
	return left
}

// SignOut signs one account out of the browser's session, or all of them for
// "", and deletes the cookie where nobody is left.
func (s *Service) SignOut(ctx context.Context, w http.ResponseWriter, r *http.Request, account string) ([]Left, error) {
	shown, ok := s.shown(w, r)
	if !ok {
		s.session.drop(w)
		s.keepState(w, r, Session{})
		return nil, nil
	}
	stolen := false
	left, rest, err := s.leave(ctx, shown.hash, func(v data.Session, a data.Account) bool {
		stolen = !s.holds(v, shown)
		return stolen || account == "" || a.ID == account
	})
	if err != nil {
		return nil, err
	}
	if stolen {
		s.stolen(left)
	}
	if len(rest.Accounts) == 0 {
		s.session.drop(w)
	}
	session, err := s.alive(ctx, rest)
	s.keepState(w, r, session)
	return left, err
}

// End signs the user out of a session from elsewhere: the account page's list.
// It is no error where that has happened already.
func (s *Service) End(ctx context.Context, session data.Hash, user data.UserID) ([]Left, error) {
	left, _, err := s.leave(ctx, session, func(_ data.Session, a data.Account) bool { return a.User == user })
	return left, err
}

// leave takes the accounts out of the session that leaves says; rest is what it
// is then.
func (s *Service) leave(ctx context.Context, h data.Hash, leaves func(data.Session, data.Account) bool) (left []Left, rest data.Session, err error) {
	err = s.o.Store.Sessions.Change(ctx, h, func(v *data.Session) data.Change {
		left = nil
		var stay []data.Account
		for _, a := range v.Accounts {
			if leaves(*v, a) {
				left = append(left, Left{Session: h, Account: a})
			} else {
				stay = append(stay, a)
			}
		}
		v.Accounts = stay
		rest = *v
		switch {
		case len(stay) == 0:
			return data.End
		case len(left) == 0:
			return data.Keep
		}
		return data.Save
	})
	if errors.Is(err, data.ErrNone) {
		return nil, data.Session{}, nil
	}
	return left, rest, err
}
