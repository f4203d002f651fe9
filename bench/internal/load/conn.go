package load

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Conn is one HTTP/1.1 connection that is kept open, with as little between
// the caller and the socket as can be: the machine is shared with the server
// that is measured.
type Conn struct {
	host   string
	socket net.Conn
	in     *bufio.Reader
	out    []byte
	body   bytes.Buffer
	media  string
}

// Request is what is asked for.
type Request struct {
	Path          string // with the query, if any
	Body          []byte // nil is a GET, else it is a POST
	Type          string // of the body
	Authorization string // the whole header, if any
	Cookie        string // the same
}

// The types of bodies.
const (
	JSON = "application/json"
	Form = "application/x-www-form-urlencoded"
)

// Bearer is the Authorization that shows an access token (RFC 6750).
func Bearer(access string) string { return "Bearer " + access }

// patience is how long an answer may take.
const patience = time.Minute

// Dial connects to the server of an http or https URL, whatever its path.
func Dial(server string) (*Conn, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	var socket net.Conn
	switch u.Scheme {
	case "http":
		socket, err = net.Dial("tcp", withPort(u, "80"))
	case "https":
		socket, err = tls.Dial("tcp", withPort(u, "443"), nil)
	default:
		err = fmt.Errorf("load: %q is no http or https URL", server)
	}
	if err != nil {
		return nil, err
	}
	return &Conn{host: u.Host, socket: socket, in: bufio.NewReaderSize(socket, 16<<10)}, nil
}

func withPort(u *url.URL, usual string) string {
	if port := u.Port(); port != "" {
		usual = port
	}
	return net.JoinHostPort(u.Hostname(), usual)
}

// Close ends the connection.
func (c *Conn) Close() error { return c.socket.Close() }

// Type is the Content-Type of the last answer.
func (c *Conn) Type() string { return c.media }

// Get asks for a path without more.
func (c *Conn) Get(path string) ([]byte, error) { return c.Do(Request{Path: path}) }

// Do sends a request and returns the body of the answer, valid until the next
// one. An answer that is not 200 is an error: a *BusyError for 429 and 503, else
// a *StatusError.
func (c *Conn) Do(r Request) ([]byte, error) {
	answer, err := c.send(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return c.body.Bytes(), nil
	}
	return nil, c.refusal(r, answer)
}

// Redirect sends a request and returns where the answer leads. One that leads
// nowhere is an error, as with Do.
func (c *Conn) Redirect(r Request) (*url.URL, error) {
	answer, err := c.send(r)
	if err != nil {
		return nil, err
	}
	if to := answer.Header.Get("Location"); to != "" && answer.StatusCode/100 == 3 {
		return url.Parse(to)
	}
	return nil, c.refusal(r, answer)
}

func (c *Conn) refusal(r Request, answer *http.Response) error {
	said := fmt.Sprintf("%s: %s: %.200s", r.Path, answer.Status, c.body.Bytes())
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // absent: at once
		return &BusyError{time.Duration(seconds) * time.Second, said}
	}
	return &StatusError{answer.StatusCode, said}
}

// send writes the request and reads the whole answer, its body into c.body.
func (c *Conn) send(r Request) (*http.Response, error) {
	c.write(r)
	if err := c.socket.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.socket.Write(c.out); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	c.media = answer.Header.Get("Content-Type")
	c.body.Reset()
	_, err = io.Copy(&c.body, answer.Body)
	return answer, err
}

func (c *Conn) write(r Request) {
	method := "POST "
	if r.Body == nil {
		method = "GET "
	}
	c.out = append(append(append(c.out[:0], method...), r.Path...), " HTTP/1.1\r\nHost: "...)
	c.out = append(c.out, c.host...)
	for _, h := range [...]struct{ name, value string }{{"Authorization", r.Authorization}, {"Cookie", r.Cookie}, {"Content-Type", r.Type}} {
		if h.value != "" {
			c.out = append(append(append(append(c.out, "\r\n"...), h.name...), ": "...), h.value...)
		}
	}
	if r.Body != nil {
		c.out = append(c.out, "\r\nContent-Length: "...)
		c.out = strconv.AppendInt(c.out, int64(len(r.Body)), 10)
	}
	c.out = append(append(c.out, "\r\n\r\n"...), r.Body...)
}

// StatusError is an answer that says no.
type StatusError struct {
	Status int
	Said   string
}

func (e *StatusError) Error() string { return "load: " + e.Said }
