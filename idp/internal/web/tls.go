package web

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often the files are looked at, at most.
const certificateCheck = 10 * time.Second

// Certificate serves a certificate from files, and reads them again when they
// change. Files that cannot be read, as in the middle of a renewal, leave the
// certificate that was there.
type Certificate struct {
	certFile, keyFile string
	logger            *slog.Logger
	now               func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]fileMark
	looked  time.Time
}

// fileMark tells whether a file is still the one that was read.
type fileMark struct {
	modified time.Time
	size     int64
}

// LoadCertificate reads both files (PEM), which must fit each other.
func LoadCertificate(certFile, keyFile string, logger *slog.Logger, now func() time.Time) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, logger: logger, now: now}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// TLSConfig is the configuration of a server that shows c.
func (c *Certificate) TLSConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}
}

func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since := c.now().Sub(c.looked); since >= 0 && since < certificateCheck {
		return c.current, nil
	}
	c.looked = c.now()
	if seen, err := c.marks(); err == nil && seen == c.seen {
		return c.current, nil
	}
	if err := c.load(); err != nil {
		c.logger.Error("the TLS certificate changed and cannot be read; the old one stays", "error", err)
		return c.current, nil
	}
	c.logger.Info("the TLS certificate was read again", "file", c.certFile)
	return c.current, nil
}

func (c *Certificate) load() error {
	seen, err := c.marks() // before the files: a change after it is seen next time
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("tls: %s and %s: %w", c.certFile, c.keyFile, err)
	}
	c.current, c.seen, c.looked = &pair, seen, c.now()
	return nil
}

func (c *Certificate) marks() ([2]fileMark, error) {
	var marks [2]fileMark
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return marks, err
		}
		marks[i] = fileMark{info.ModTime(), info.Size()}
	}
	return marks, nil
}
