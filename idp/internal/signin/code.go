package signin

import (
	"context"
	"net/netip"

	"signet/data"
)

// TryCode counts a try at the code that a device shows, before the code is
// looked at: it is short, and must not be found by trying (RFC 8628, section
// 5.1). Only people who are signed in try, each with counters of their own,
// beside those of the network. right takes back this one try. The errors are a
// *ThrottledError and failures of the store and of ctx.
func (s *Service) TryCode(ctx context.Context, user data.UserID, addr netip.Addr) (right func(), err error) {
	net, _ := network(addr).MarshalBinary()
	g := guess{
		place:   s.secrets.tag("code place", []byte(user), net),
		account: s.secrets.tag("code", []byte(user)),
		network: s.secrets.tag("network", net),
	}
	if err := s.guard.reserve(ctx, g, s.o.Now()); err != nil {
		return nil, err
	}
	// No more than this one: who has devices of their own would clear the
	// counters with the right code of one.
	return func() {
		s.undo(ctx, func(ctx context.Context) error { return s.guard.giveBack(ctx, g, s.o.Now()) })
	}, nil
}
