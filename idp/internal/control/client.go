package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
)

var (
	// ErrNobody says that no issuer listens at a control socket.
	ErrNobody = errors.New("control: no issuer is running")
	// ErrTurnedAway says that whoever listens closed the connection: an issuer
	// that stops, or one of another user.
	ErrTurnedAway = errors.New("control: the connection was closed")
)

// How long an issuer may take: to say hello, for an operation that is no
// stream (making large RSA keys and hashing passwords take seconds), and to
// seal everything anew, which rewrites the store's file.
const (
	helloWait  = 5 * time.Second
	callWait   = time.Minute
	resealWait = time.Hour
)

// Client asks for operations. It is safe for concurrent use.
type Client struct {
	http  http.Client
	close func() error
	hello Hello
}

// Dial reaches the issuer that listens at path. It fails with ErrNobody where
// there is none, with an *Error of code InUse where one is there and does not
// answer, and with ErrTurnedAway.
func Dial(ctx context.Context, path string) (*Client, error) {
	return dial(ctx, path, helloWait)
}

func dial(ctx context.Context, path string, wait time.Duration) (*Client, error) {
	c := newClient(func(ctx context.Context) (conn net.Conn, err error) {
		var d net.Dialer
		err = short(path, func(name string) error {
			conn, err = d.DialContext(ctx, "unix", name)
			return err
		})
		return conn, err
	}, nil)
	asked, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	hello, err := call[none, Hello](asked, c, opHello, none{})
	if err == nil {
		c.hello = hello
		return c, nil
	}
	_ = c.Close()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil, ErrNobody
	case errors.Is(err, fs.ErrPermission):
		return nil, errorf(Refused, "the control socket %s is another user's: be that user, or root", path)
	case asked.Err() != nil, errors.Is(err, syscall.EAGAIN): // EAGAIN: its queue is full
		return nil, errorf(InUse, "a process listens at %s and has not answered for %s: it hangs; nothing was done", path, wait)
	case errors.Is(err, errNoAnswer):
		e := errorf(Refused, "the issuer at %s turned this connection away: it listens to its own user and root only (this is user %d), or it is stopping", path, os.Geteuid())
		e.cause = ErrTurnedAway
		return nil, e
	}
	return nil, err
}

// Loopback serves h to the client it returns, in this process. Closing the
// client ends that.
func Loopback(h http.Handler, logger *slog.Logger) *Client {
	p := newPipe()
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = Serve(ctx, p, h, logger) })
	return newClient(p.dial, func() error {
		stop()
		serving.Wait()
		return nil
	})
}

func newClient(dial func(context.Context) (net.Conn, error), close func() error) *Client {
	transport := &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableCompression: true,
	}
	return &Client{http: http.Client{Transport: transport}, close: close}
}

// Close lets the connections go.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	if c.close == nil {
		return nil
	}
	return c.close()
}

// Issuer is the running issuer; the zero Hello where there is none.
func (c *Client) Issuer() Hello { return c.hello }

// errNoAnswer says that the connection broke before there was an answer.
var errNoAnswer = errors.New("control: the connection broke before there was an answer")

// call asks for one operation.
func call[In, Out any](ctx context.Context, c *Client, op operation, in In) (out Out, err error) {
	wait := callWait
	if op == opReseal {
		wait = resealWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	asked, err := json.Marshal(&in)
	if err != nil {
		return out, err
	}
	answer, err := c.post(ctx, op, bytes.NewReader(asked))
	if err != nil {
		return out, err
	}
	defer drain(answer.Body)
	if err := json.UnmarshalRead(answer.Body, &out); err != nil {
		return out, brokenOff(ctx, op, err)
	}
	return out, nil
}

// post sends a request and returns its answer, or the *Error that it holds.
func (c *Client) post(ctx context.Context, op operation, in io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+op.url(), in)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, brokenOff(ctx, op, err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer drain(answer.Body)
	failure := &Error{}
	if err := json.UnmarshalRead(answer.Body, failure); err != nil || failure.Code == "" {
		return nil, errorf(Failed, "%s: the issuer answered %s", op, answer.Status)
	}
	return nil, failure
}

// brokenOff is what a call ended with that has no answer. Errors that mean
// that nobody was there stay visible.
func brokenOff(ctx context.Context, op operation, err error) error {
	var dialing *net.OpError
	switch {
	case errors.As(err, &dialing) && dialing.Op == "dial":
		return err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errorf(Failed, "%s: there was no answer in time; whether it was done is not known, so look before you try again", op)
	case ctx.Err() != nil:
		return errorf(Failed, "interrupted; whether %s was done is not known, so look before you try again", op)
	}
	return fmt.Errorf("%s: %w; whether it was done is not known, so look before you try again: %w", op, errNoAnswer, err)
}
