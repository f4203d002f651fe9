package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"signet/data/kv"
)

// unreached adds to an error of Open what is wrong with the way to each
// endpoint, which gRPC keeps to itself: a name that is not known, a certificate
// that nobody trusts.
func (o Options) unreached(ctx context.Context, err error) error {
	if !errors.Is(err, kv.ErrUnavailable) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, endpoint := range o.Endpoints {
		if found := o.dial(ctx, endpoint); found != nil {
			err = fmt.Errorf("%w; %s: %w", err, endpoint, found)
		}
	}
	return err
}

func (o Options) dial(ctx context.Context, endpoint string) error {
	scheme, address, found := strings.Cut(endpoint, "://")
	if !found {
		scheme, address = "", endpoint
	}
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{}
	switch {
	case strings.HasPrefix(scheme, "unix"):
		return nil
	case scheme == "https" || scheme == "" && o.TLS != nil:
		dialer = &tls.Dialer{Config: o.TLS}
	}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
