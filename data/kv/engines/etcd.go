package engines

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"signet/data/kv/address"
	"signet/data/kv/etcd"
)

// openEtcd reads the files that the address names. They are read once: a
// certificate that changes is seen at the next start.
func openEtcd(ctx context.Context, at address.Address, o Options) (*etcd.Engine, error) {
	c := at.Cluster()
	to := etcd.Options{Endpoints: c.Endpoints, Prefix: c.Prefix, Username: c.User, Logger: o.Logger}
	if c.TLS {
		conf, err := clientTLS(c)
		if err != nil {
			return nil, fmt.Errorf("engines: %s: %w", at, err)
		}
		to.TLS = conf
	}
	if c.PasswordFile != "" {
		password, err := readSecret(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("engines: %s: %w", at, err)
		}
		to.Password = password
	}
	return etcd.Open(ctx, to)
}

func clientTLS(c address.Cluster) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, err
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate (PEM)", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, err
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// readSecret reads a password from a file that nobody but its owner may use.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", path)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("others may read %s; run: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if text = bytes.TrimRight(text, "\r\n"); len(text) == 0 {
		return "", errors.New(path + " is empty")
	}
	return string(text), nil
}
