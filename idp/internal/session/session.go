package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"signet/data"
	"signet/keys"
)

// ErrSignedOut says that the account is not signed in any more: it was signed
// out since the request began.
var ErrSignedOut = errors.New("session: the account is not signed in any more")

// Options are what a Service is made of; all are needed.
type Options struct {
	Store  *data.Store
	Secret *keys.Secret
	Issuer *url.URL      // its origin is where forms come from, and its scheme makes the cookies Secure
	Idle   time.Duration // how long a browser stays signed in without a visit
	Max    time.Duration // and how long after the sign-in at most
	Now    func() time.Time
	Logger *slog.Logger

	// Management keeps the cookie of OpenID Connect Session Management.
	Management bool
}

// Service knows the browsers that are signed in. It is safe for concurrent
// use.
type Service struct {
	o       Options
	origin  string
	session jar
	browser jar
	state   jar
}

// New makes a Service.
func New(o Options) *Service {
	s := &Service{o: o, origin: originOf(o.Issuer), session: newJar(o.Issuer, "session"), browser: newJar(o.Issuer, "browser"), state: newJar(o.Issuer, "state")}
	s.state.framed = true
	return s
}

func (s *Service) now() time.Time { return s.o.Now().UTC().Round(0) }

// Account is somebody who is signed in to the browser, and still may be: the
// user is there, not disabled, and of the same epoch.
type Account struct {
	data.Account
	Person data.User
}

// Session is the browser's session as one request sees it. One without
// accounts is a browser that nobody is signed in with.
type Session struct {
	Hash     data.Hash // names the record until the next sign-in; zero where there is none
	Accounts []Account // alive; the one used last comes first
}

// Account returns the account with that id, or false.
func (s Session) Account(id string) (Account, bool) {
	i := slices.IndexFunc(s.Accounts, func(a Account) bool { return a.ID == id })
	if i < 0 {
		return Account{}, false
	}
	return s.Accounts[i], true
}

// Load reads the session of the request's cookie. It may answer with a new
// cookie, since the secret in it changes now and then. No cookie, an old one or
// a forged one is an empty Session and no error, and the cookie stays: the
// answer may arrive after another tab's sign-in, whose cookie it would delete.
func (s *Service) Load(ctx context.Context, w http.ResponseWriter, r *http.Request) (Session, error) {
	session, err := s.load(ctx, w, r)
	if err == nil {
		s.keepState(w, r, session)
	}
	return session, err
}

func (s *Service) load(ctx context.Context, w http.ResponseWriter, r *http.Request) (Session, error) {
	shown, ok := s.shown(w, r)
	if !ok {
		return Session{}, nil
	}
	v, err := s.o.Store.Sessions.Get(ctx, shown.hash)
	if err == nil && s.decide(&v, shown) != (decision{present: true}) {
		v, err = s.turn(ctx, w, shown)
	}
	if errors.Is(err, data.ErrNone) {
		return Session{}, nil
	}
	if err != nil {
		return Session{}, err
	}
	return s.alive(ctx, v)
}

// turn does in a transaction what the shown cookie leads to, and answers with
// the cookie that follows it. A View is enough only to find that nothing is to
// be done: a successor is given out once it is durable.
func (s *Service) turn(ctx context.Context, w http.ResponseWriter, shown cookie) (data.Session, error) {
	var d decision
	var v data.Session
	err := s.o.Store.Sessions.Change(ctx, shown.hash, func(stored *data.Session) data.Change {
		d = s.decide(stored, shown)
		v = *stored
		return d.change
	})
	switch {
	case err != nil:
		return data.Session{}, err
	case d.stolen:
		s.stolen(leftOf(v))
		return data.Session{}, data.ErrNone
	case d.successor:
		s.session.put(w, s.successor(v, shown).text(), v.MaxAt.Sub(s.now()))
	}
	return v, nil
}

// alive leaves out the accounts that have ended without a word to their
// browsers: the user is gone or disabled, or was signed out everywhere.
func (s *Service) alive(ctx context.Context, v data.Session) (Session, error) {
	out := Session{Hash: v.Hash}
	for _, a := range v.Accounts {
		user, err := s.o.Store.User(ctx, a.User)
		switch {
		case errors.Is(err, data.ErrNoUser):
		case err != nil:
			return Session{}, err
		case s.lives(a, user):
			out.Accounts = append(out.Accounts, Account{Account: a, Person: user})
		}
	}
	return out, nil
}

// lives also ends an account whose session goes on because somebody else signed
// in to it later.
func (s *Service) lives(a data.Account, u data.User) bool {
	return a.User == u.ID && a.Epoch == u.Epoch && !u.Disabled && s.now().Before(a.AuthTime.Add(s.o.Max))
}

// Browsers lists the sessions, of any browser, that the user is signed in to:
// for the account page. At most 1000.
func (s *Service) Browsers(ctx context.Context, user data.User) ([]data.Session, error) {
	list, err := s.o.Store.UserSessions(ctx, user.ID)
	return slices.DeleteFunc(list, func(v data.Session) bool {
		return !slices.ContainsFunc(v.Accounts, func(a data.Account) bool { return s.lives(a, user) })
	}), err
}

// SID is how ID and logout tokens name the account's session to the client:
// another name to each, so that clients cannot compare notes.
func (s *Service) SID(account data.Account, client string) string {
	return s.derive("session id", account.ID, client)
}
