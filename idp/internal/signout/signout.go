package signout

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/session"
	"signet/idp/internal/trouble"
)

const (
	// keepTrying is how long a client that cannot be reached is tried.
	keepTrying = 24 * time.Hour
	// maxFrames bounds what one page loads.
	maxFrames = 50
)

// Grants ends what clients hold; *grant.Service does.
type Grants interface {
	EndAccount(ctx context.Context, user data.UserID, account string) error
}

// Clients finds a client, and how it knows a person; *client.Registry does.
type Clients interface {
	Find(ctx context.Context, id string) (*client.Client, error)
	Subject(c *client.Client, user data.UserID) string
}

// Sessions names and ends sessions; *session.Service does.
type Sessions interface {
	SID(account data.Account, client string) string
	End(ctx context.Context, session data.Hash, user data.UserID) ([]session.Left, error)
}

// Options are what a Service is made of; all are needed.
type Options struct {
	Issuer   string
	Store    *data.Store
	Grants   Grants
	Clients  Clients
	Sessions Sessions
	Now      func() time.Time
	Logger   *slog.Logger
}

// Service follows up sign-outs. It is safe for concurrent use.
type Service struct {
	o                  Options
	reading, finishing trouble.Report
}

// New makes a Service.
func New(o Options) *Service { return &Service{o: o} }

// SignOut does what follows for those who left, and returns the URLs that the
// browser is to load in frames. What an error or a kill leaves undone, Run will
// do, but the frames.
func (s *Service) SignOut(ctx context.Context, left []session.Left) (frames []string, err error) {
	for _, l := range left {
		more, failed := s.finish(ctx, l.Account)
		err = errors.Join(err, failed)
		for _, f := range more {
			if !slices.Contains(frames, f) && len(frames) < maxFrames {
				frames = append(frames, f)
			}
		}
	}
	return frames, err
}

// finish ends the account's grants and then, in one transaction, puts the
// logout tokens in line and forgets that there was anything to do. So it may be
// done again, here or on another node, until it was done once.
func (s *Service) finish(ctx context.Context, a data.Account) (frames []string, err error) {
	if err := s.o.Grants.EndAccount(ctx, a.User, a.ID); err != nil {
		return nil, err
	}
	var send []data.Delivery
	for _, id := range a.Clients {
		c, err := s.o.Clients.Find(ctx, id)
		subject, back := "", false
		switch {
		case errors.Is(err, client.ErrUnreachable):
			back = true // whether it wants to be told is seen when it is told
		case errors.Is(err, client.ErrUnknown):
			continue // it is gone, and nobody is left to be told
		case err != nil:
			return nil, err
		default:
			subject, back = s.o.Clients.Subject(c, a.User), c.BackLogoutURI != ""
			if c.FrontLogoutURI != "" {
				frames = append(frames, s.frame(c, a))
			}
		}
		if back {
			d, err := s.delivery(id, subject, a)
			if err != nil {
				return nil, err
			}
			send = append(send, d)
		}
	}
	switch err := s.o.Store.FinishEnding(ctx, data.Ending{Account: a}, send); {
	case errors.Is(err, data.ErrNone): // another node, or Run, was here
	case err != nil:
		return nil, err
	default:
		s.o.Logger.Info("somebody was signed out", "event", "signed_out", "user", string(a.User), "clients", len(a.Clients))
	}
	return frames, nil
}

// delivery names the session and the person: a client that knows one of them
// by the other's name is told all the same (Back-Channel Logout, section 2.4).
// As whom a client that cannot be reached knows the person nobody can say; the
// session is enough.
func (s *Service) delivery(id, subject string, a data.Account) (data.Delivery, error) {
	name, err := s.o.Store.NewID()
	now := s.o.Now().UTC().Round(0)
	return data.Delivery{
		ID: name, Client: id, Subject: subject, SID: s.o.Sessions.SID(a, id),
		NextAt: now, CreatedAt: now, ExpiresAt: now.Add(keepTrying),
	}, err
}

// frame is the client's URL, with the issuer and the session where the client
// asked for them; both or neither (Front-Channel Logout, section 2).
func (s *Service) frame(c *client.Client, a data.Account) string {
	u, err := url.Parse(c.FrontLogoutURI)
	if err != nil || !c.FrontLogoutSID {
		return c.FrontLogoutURI
	}
	more := url.Values{"iss": {s.o.Issuer}, "sid": {s.o.Sessions.SID(a, c.ID)}}.Encode()
	if u.RawQuery != "" {
		more = u.RawQuery + "&" + more
	}
	u.RawQuery = more
	return u.String()
}
