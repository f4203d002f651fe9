package fetch

import (
	"net/netip"
	"slices"
	"syscall"
)

// forbidden4 are the IPv4 addresses that are not somebody's public server
// (IANA IPv4 Special-Purpose Address Registry, RFC 6890).
var forbidden4 = prefixes(
	"0.0.0.0/8",        // this host, this network: RFC 791
	"10.0.0.0/8",       // private: RFC 1918
	"100.64.0.0/10",    // between a provider and its NAT: RFC 6598
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // a cloud's platform inside each of its machines
	"169.254.0.0/16",   // link-local, where clouds keep their metadata: RFC 3927
	"172.16.0.0/12",    // private: RFC 1918
	"192.0.0.0/24",     // protocol assignments: RFC 6890
	"192.0.2.0/24",     // documentation: RFC 5737
	"192.88.99.0/24",   // 6to4 relays: RFC 7526
	"192.168.0.0/16",   // private: RFC 1918
	"198.18.0.0/15",    // benchmarks: RFC 2544
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast: RFC 5771
	"240.0.0.0/4",      // reserved, and broadcast
)

// global6 is all of IPv6 that was ever given out as global unicast (RFC 4291,
// section 2.4). What is not in it needs no list: unspecified, loopback,
// IPv4-compatible, IPv4-mapped, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard,
// unique local, link-local, site-local, multicast.
var global6 = netip.MustParsePrefix("2000::/3")

// forbidden6 is what of global6 is no server's address, or an IPv4 address in
// disguise.
var forbidden6 = prefixes(
	"2001::/23",     // protocol assignments: Teredo, benchmarks, ORCHID
	"2001:db8::/32", // documentation: RFC 3849
	"2002::/16",     // 6to4: RFC 3056
	"3fff::/20",     // documentation: RFC 9637
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func contains(all []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
}

// isPublic says whether a may be somebody's public server. An IPv4 address
// inside an IPv6 one is never public: it has a spelling of its own.
func isPublic(a netip.Addr) bool {
	switch {
	case a.Zone() != "":
		return false
	case a.Is4():
		return !contains(forbidden4, a)
	}
	return global6.Contains(a) && !contains(forbidden6, a)
}

// mayReach says whether a connection to a and port may be made: anything that
// the operator allowed, and otherwise port 443 of a public address, and only
// with TLS.
func (f *Fetcher) mayReach(a netip.Addr, port string, secure bool) *Error {
	if contains(f.allow, a) {
		return nil
	}
	switch {
	case !isPublic(a):
		return &Error{Reason: Address, Detail: "not a public address"}
	case !secure:
		return &Error{Reason: Address, Detail: "only https to a public address"}
	case port != "443":
		return &Error{Reason: Address, Detail: "only port 443 of a public address"}
	}
	return nil
}

// control is called by the dialer with each address before it connects, when
// no resolver can change its mind any more.
func (f *Fetcher) control(secure bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return &Error{Reason: Address, Detail: "not an address"}
		}
		if err := f.mayReach(to.Addr(), portText(to), secure); err != nil {
			return err // not before: a nil *Error is no nil error
		}
		return nil
	}
}
