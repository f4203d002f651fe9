package signin

import (
	"context"
	"net/netip"
)

// TryClient counts a client that registers itself without being asked in, and
// refuses it where its network has registered too many: as many as people, each
// with a counter of its own. Its errors are a *ThrottledError and failures of
// the store and of ctx.
func (s *Service) TryClient(ctx context.Context, addr netip.Addr) error {
	net, _ := network(addr).MarshalBinary()
	return s.guard.register(ctx, s.secrets.tag("client registration", net), s.o.Now())
}

// TryRequest counts what a stranger sends and the store keeps until somebody
// acts on it: authorization requests, and those of devices. Without a bound,
// one of them could fill the disk. Each KiB counts as one more. Every node
// counts by itself: this guards no secret, and what it counts is soon over. The
// error is a *ThrottledError.
func (s *Service) TryRequest(addr netip.Addr, size int) error {
	net, _ := network(addr).MarshalBinary()
	return s.throttle.request(s.secrets.tag("request", net), 1+size>>10, s.o.Now())
}
