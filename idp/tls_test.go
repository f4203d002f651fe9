package main

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheIssuerServesTLSUnderAPath(t *testing.T) {
	example := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate, and a client that believes it
	defer example.Close()
	key, err := x509.MarshalPKCS8PrivateKey(example.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: example.Certificate().Raw},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := startProcess(t, "SIGNET_ISSUER=https://id.example.com/auth",
		"SIGNET_TLS_CERT="+filepath.Join(dir, "cert.pem"), "SIGNET_TLS_KEY="+filepath.Join(dir, "key.pem"))

	answer, err := example.Client().Get("https://" + p.addr + "/auth/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("got %s %v", answer.Status, answer.Header)
	}
	if got := p.call(http.MethodGet, "/auth/readyz", ""); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "HTTPS") {
		t.Errorf("plain HTTP got %d %s", got.Status, got.Body)
	}
}
