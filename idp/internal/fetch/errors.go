package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// ErrRefused is what every failure of this package is, but for a context that
// its caller ended.
var ErrRefused = errors.New("fetch: refused")

// Reason is why something was not fetched.
type Reason string

// The reasons. They are fit for a log and a counter.
const (
	URL      Reason = "url"      // no URL that may be named here
	Address  Reason = "address"  // it leads to an address that may not be reached
	Name     Reason = "name"     // its host was not found
	TLS      Reason = "tls"      // its certificate is not trusted
	Network  Reason = "network"  // the connection failed, or spoke no HTTP
	Timeout  Reason = "timeout"  // it took too long
	Redirect Reason = "redirect" // it answered with a redirect
	Status   Reason = "status"   // it answered with a status that is no success
	Size     Reason = "size"     // its answer is too large
	Busy     Reason = "busy"     // too many are being asked at the moment
)

// Error says what was refused. Its text holds neither path nor query of the
// URL, and nothing of an answer.
type Error struct {
	Reason Reason
	Host   string // as the URL has it; empty where the URL itself is refused
	Detail string // in our own words; may be empty
}

func (e *Error) Error() string {
	text := ErrRefused.Error() + " (" + string(e.Reason) + ")"
	if e.Host != "" {
		text += " " + e.Host
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Is makes every Error an ErrRefused.
func (e *Error) Is(target error) bool { return target == ErrRefused }

func badURL(detail string) *Error { return &Error{Reason: URL, Detail: detail} }

// because turns an error of net/http into ours. Those quote the URL and what
// came over the wire, so nothing of their text is kept.
func because(host string, err error) *Error {
	var ours *Error
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &ours): // the dialer's
		return &Error{Reason: ours.Reason, Host: host, Detail: ours.Detail}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &Error{Reason: Timeout, Host: host}
	case errors.As(err, &dns):
		return &Error{Reason: Name, Host: host}
	case errors.As(err, &certificate):
		return &Error{Reason: TLS, Host: host}
	}
	return &Error{Reason: Network, Host: host}
}

func statusError(host string, status int) *Error {
	return &Error{Reason: Status, Host: host, Detail: fmt.Sprintf("status %d", status)}
}
