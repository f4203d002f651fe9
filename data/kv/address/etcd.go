package address

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Cluster is what an address says of an etcd cluster.
type Cluster struct {
	Endpoints []string // host:port
	Prefix    string   // of every key, with its last slash
	TLS       bool
	CA        string // files; "" trusts whom the system trusts
	Cert, Key string // the client's own, both or neither

	User, PasswordFile string // both or neither
}

const (
	etcdPort   = "2379"
	etcdPrefix = "signet/"
)

func parseEtcd(rest string) (Address, error) {
	c, err := parseCluster(rest)
	if err != nil {
		return Address{}, err
	}
	// Nothing in it is a secret: those are in files.
	return Address{engine: Etcd, text: rest, shown: "etcd://" + strings.Join(c.Endpoints, ",") + "/" + strings.TrimSuffix(c.Prefix, "/")}, nil
}

// Cluster returns what the address of an etcd store says.
func (a Address) Cluster() Cluster {
	c, _ := parseCluster(a.text) // it was read before
	return c
}

func parseCluster(rest string) (c Cluster, err error) {
	rest, found := strings.CutPrefix(rest, "//")
	if !found {
		return c, errors.New("write etcd://host:2379/prefix")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, prefix, _ := strings.Cut(rest, "/")
	if strings.Contains(rest, "@") {
		return c, errors.New("the user goes behind the prefix, and the password into a file: ?user=NAME&password_file=FILE")
	}
	if c.Endpoints, err = hostPorts(hosts, etcdPort); err != nil {
		return c, err
	}
	if c.Prefix = etcdPrefix; strings.Trim(prefix, "/") != "" {
		c.Prefix = strings.Trim(prefix, "/") + "/"
	}
	return c, c.options(query)
}

// options reads what follows the question mark.
func (c *Cluster) options(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("what follows the ? is not of the form name=value&name=value")
	}
	known := map[string]*string{"ca": &c.CA, "cert": &c.Cert, "key": &c.Key, "user": &c.User, "password_file": &c.PasswordFile, "tls": new(string)}
	for name, list := range values {
		into, found := known[name]
		switch {
		case name == "password":
			return errors.New("the password goes into a file: password_file=FILE")
		case !found:
			return errors.New("behind the ? there can be ca, cert, key, tls, user and password_file")
		case len(list) != 1 || list[0] == "":
			return fmt.Errorf("%s needs one value", name)
		}
		*into = list[0]
	}
	switch tls := *known["tls"]; {
	case tls != "" && tls != "true":
		return errors.New("tls is true, or left out")
	case (c.Cert == "") != (c.Key == ""):
		return errors.New("cert and key go together")
	case (c.User == "") != (c.PasswordFile == ""):
		return errors.New("user and password_file go together")
	default:
		c.TLS = tls != "" || c.CA != "" || c.Cert != ""
	}
	return nil
}

// hostPorts reads hosts between commas, each with its port or the usual one.
func hostPorts(list, usual string) (all []string, err error) {
	for item := range strings.SplitSeq(list, ",") {
		host, port := item, usual
		if strings.Contains(strings.TrimPrefix(item[strings.LastIndexByte(item, ']')+1:], "]"), ":") {
			if host, port, err = net.SplitHostPort(item); err != nil {
				return nil, errHost
			}
		} else {
			host = strings.Trim(item, "[]")
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || strings.ContainsAny(host, " @?#&=") {
			return nil, errHost
		}
		all = append(all, net.JoinHostPort(host, port))
	}
	return all, nil
}

var errHost = errors.New("write each host as host or host:port, with commas between them; " +
	"in a user or password, characters such as @ : / ? # are written as %40 %3A %2F %3F %23")
