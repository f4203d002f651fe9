package fetch

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestTheDialerConnectsToNoAddressThatIsNotPublic(t *testing.T) {
	f := New(Options{})
	control := f.control(true)
	for name, hosts := range map[string][]string{
		"unspecified":     {"0.0.0.0", "::"},
		"this network":    {"0.1.2.3"},
		"loopback":        {"127.0.0.1", "127.255.255.254", "::1"},
		"private":         {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"},
		"carrier NAT":     {"100.64.0.1", "100.127.255.255", "100.100.100.200"},
		"link-local":      {"169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "febf::1"},
		"a cloud's own":   {"168.63.129.16", "192.0.0.192", "fd00:ec2::254"},
		"unique local":    {"fc00::1", "fdff:ffff::1"},
		"site-local":      {"fec0::1", "feff::1"},
		"multicast":       {"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"},
		"broadcast":       {"255.255.255.255"},
		"reserved":        {"240.0.0.1", "192.0.0.1"},
		"documentation":   {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"benchmarks":      {"198.18.0.1", "198.19.255.255", "2001:2::1"},
		"IPv4-mapped":     {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8"},
		"IPv4-compatible": {"::127.0.0.1", "::8.8.8.8"},
		"IPv4-translated": {"::ffff:0:127.0.0.1"},
		"6to4":            {"2002:7f00:1::", "2002:808:808::1", "192.88.99.1"},
		"NAT64":           {"64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "64:ff9b:1:ffff::808:808"},
		"Teredo":          {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1"},
		"ORCHID":          {"2001:10::1", "2001:20::1"},
		"discard":         {"100::1"},
		"segment routing": {"5f00::1"},
		"never given out": {"4000::1", "a000::1", "200::1"},
		"not an address":  {"example.com", ""},
	} {
		for _, host := range hosts {
			var e *Error
			if err := control("tcp", net.JoinHostPort(host, "443"), nil); !errors.As(err, &e) || e.Reason != Address {
				t.Errorf("%s, %s: %v", name, host, err)
			}
		}
	}
	for _, host := range []string{"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.1",
		"172.15.255.255", "172.32.0.0", "169.253.255.255", "169.255.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2003::1", "2400:cb00::1"} {
		if err := control("tcp", net.JoinHostPort(host, "443"), nil); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestAPublicAddressIsReachedOnPort443WithTLSAlone(t *testing.T) {
	f := New(Options{Allow: loopback})
	for _, c := range []struct {
		address string
		secure  bool
		want    bool
	}{
		{"8.8.8.8:443", true, true}, {"8.8.8.8:443", false, false}, {"8.8.8.8:80", false, false},
		{"8.8.8.8:80", true, false}, {"8.8.8.8:8443", true, false}, {"[2606:4700::1111]:22", true, false},
		{"127.0.0.1:443", true, true}, {"127.0.0.1:80", false, true}, {"127.9.9.9:8443", true, true},
		{"[::1]:443", true, false}, {"10.0.0.1:443", true, false}, {"[::ffff:127.0.0.1]:443", true, false},
	} {
		if err := f.control(c.secure)("tcp", c.address, nil); (err == nil) != c.want {
			t.Errorf("%s, secure %v: %v", c.address, c.secure, err)
		}
	}
}

func TestCheckRefusesWhatCanBeSeenWithoutTheNetwork(t *testing.T) {
	public, own := New(Options{}), New(Options{Allow: append(loopback, netip.MustParsePrefix("fd00::/8"))})
	const pass Reason = ""
	for raw, want := range map[string][2]Reason{ // for the public, and where the operator allowed addresses
		"https://client.example/jwks":                       {pass, pass},
		"https://client.example:443/jwks?a=b":               {pass, pass},
		"HTTPS://Client.Example":                            {pass, pass},
		"https://xn--bcher-kva.example./":                   {pass, pass},
		"https://8.8.8.8/":                                  {pass, pass},
		"https://[2606:4700::1111]/":                        {pass, pass},
		"http://client.example/":                            {URL, pass},
		"https://client.example:8443/":                      {URL, pass},
		"https://127.0.0.1/":                                {Address, pass},
		"https://127.0.0.1:8443/":                           {URL, pass},
		"http://127.0.0.1:8080/":                            {URL, pass},
		"https://localhost/":                                {Address, pass},
		"https://a.localhost./":                             {Address, pass},
		"https://LOCALHOST/":                                {Address, pass},
		"https://[fd00::1]/":                                {Address, pass},
		"https://[::1]/":                                    {Address, Address},
		"https://10.0.0.1/":                                 {Address, Address},
		"https://[::ffff:127.0.0.1]/":                       {Address, Address},
		"https://[::ffff:8.8.8.8]/":                         {Address, Address},
		"https://[fe80::1%25eth0]/":                         {Address, Address},
		"https://10.0.0.1./":                                {Address, Address},
		"http://8.8.8.8/":                                   {URL, Address},
		"https://8.8.8.8:22/":                               {URL, Address},
		"https://127.1/":                                    {URL, URL},
		"https://2130706433/":                               {URL, URL},
		"https://0x7f000001/":                               {URL, URL},
		"https://0x7f.0.0.0x1/":                             {URL, URL},
		"https://0177.0.0.01/":                              {URL, URL},
		"https://client.example#fragment":                   {URL, URL},
		"https://client.example/#":                          {URL, URL},
		"https://secret@client.example/":                    {URL, URL},
		"https://client.example@127.0.0.1/":                 {URL, URL},
		"https://client.example:/":                          {URL, URL},
		"https://:443/":                                     {URL, URL},
		"https:///jwks":                                     {URL, URL},
		"https:client.example":                              {URL, URL},
		"//client.example/":                                 {URL, URL},
		"/jwks":                                             {URL, URL},
		"":                                                  {URL, URL},
		"urn:secret":                                        {URL, URL},
		"file:///etc/passwd":                                {URL, URL},
		"gopher://client.example/":                          {URL, URL},
		"https://client.example\\@127.0.0.1/":               {URL, URL},
		"https://client.example\n/":                         {URL, URL},
		" https://client.example/":                          {URL, URL},
		"https://b\u00fccher.example/":                      {URL, URL},
		"https://\u2460\u2461\u2466.0.0.1/":                 {URL, URL},
		"https://client.example../":                         {URL, URL},
		"https://exa%6dple.com%00.secret/":                  {URL, URL},
		"https://a.example/" + string(make([]byte, maxURL)): {URL, URL},
	} {
		for i, f := range []*Fetcher{public, own} {
			err := f.Check(raw)
			if want[i] == pass {
				if err != nil {
					t.Errorf("%q: %v", raw, err)
				}
			} else if got := reasonOf(t, err); got != want[i] {
				t.Errorf("%q: got %v, want %s", raw, err, want[i])
			}
		}
	}
}
