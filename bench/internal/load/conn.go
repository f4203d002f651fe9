package load

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
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
}

// patience is how long an answer may take.
const patience = time.Minute

// Dial connects to host, such as 127.0.0.1:4000.
func Dial(host string) (*Conn, error) {
	socket, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &Conn{host: host, socket: socket, in: bufio.NewReaderSize(socket, 16<<10)}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.socket.Close() }

// Do sends a request and returns the answer's body, valid until the next one.
// An answer that is not 200 is an error, and a *BusyError for 429 and 503. body nil
// is a GET, else it is a POST of JSON.
func (c *Conn) Do(path string, body []byte) ([]byte, error) {
	c.out = c.out[:0]
	if body == nil {
		c.out = append(c.out, "GET "...)
	} else {
		c.out = append(c.out, "POST "...)
	}
	c.out = append(c.out, path...)
	c.out = append(c.out, " HTTP/1.1\r\nHost: "...)
	c.out = append(c.out, c.host...)
	if body != nil {
		c.out = append(c.out, "\r\nContent-Type: application/json\r\nContent-Length: "...)
		c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	}
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	if err := c.socket.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.socket.Write(c.out); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	c.body.Reset()
	if _, err := io.Copy(&c.body, resp.Body); err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return c.body.Bytes(), nil
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // absent: at once
		return nil, &BusyError{time.Duration(seconds) * time.Second, fmt.Sprintf("%s %.200s", resp.Status, c.body.Bytes())}
	}
	return nil, fmt.Errorf("%s: %s: %.200s", path, resp.Status, c.body.Bytes())
}
