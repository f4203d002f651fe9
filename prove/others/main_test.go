//go:build others

package others

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"signet/prove/child"
	"signet/prove/issuer"
)

var (
	bin  string // the folder of the commands, of ca.pem, cert.pem and key.pem
	root string // of the module
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if bin, err = os.MkdirTemp("", "signet-others-"); err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(bin) }()
	// Apache's children are somebody else, and read ca.pem.
	if err = os.Chmod(bin, 0o755); err != nil {
		return 0, err
	}
	if root, err = issuer.Root(); err != nil {
		return 0, err
	}
	if err := certify(); err != nil {
		return 0, err
	}
	// Go's programs, this one too, believe these alone; Node has a name of its
	// own for it.
	for _, name := range []string{"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"} {
		if err := os.Setenv(name, filepath.Join(bin, "ca.pem")); err != nil {
			return 0, err
		}
	}
	if err := child.Build(context.Background(), bin, "signet/idp", "signet/resource/gateway"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// certify makes a certificate for this machine, and the authority that it is
// from.
func certify() error {
	year := time.Now().AddDate(1, 0, 0)
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A test's authority"}, NotAfter: year,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: year,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return err
		}
	}
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, keys[0].Public(), keys[0])
	if err != nil {
		return err
	}
	cert, err := x509.CreateCertificate(rand.Reader, server, authority, keys[1].Public(), keys[0])
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(keys[1])
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{"ca.pem": {Type: "CERTIFICATE", Bytes: ca},
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(bin, name), pem.EncodeToMemory(block), 0o644); err != nil {
			return err
		}
	}
	return nil
}
