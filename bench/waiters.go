package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"signet/prove/issuer"
)

const waitersName = "waiters"

// waiting is how many verifiers wait for a status list at once. Each is a
// connection of its own, from one address.
const waiting = 10_000

// mostWaiter is what is promised of the memory of one.
const mostWaiter = 32 << 10

// Waiters is what it costs the issuer to hold many requests, and how long one
// revocation takes to reach all of them.
type Waiters struct {
	Count     int           `json:"count"`
	Each      int64         `json:"bytes_each"`       // of the issuer's memory, for one who waits
	First     time.Duration `json:"first_ns"`         // from the acknowledgement of the revocation to the first whole answer
	Last      time.Duration `json:"last_ns"`          // and to the last one
	CPU       time.Duration `json:"cpu_ns"`           // of the issuer, from the revocation to the last answer
	AfterEach int64         `json:"bytes_each_after"` // of the issuer's memory, for each, after that
}

// waiters starts an issuer of its own.
func (b *bench) waiters(ctx context.Context) (Section, error) {
	p, err := b.startSignet("", issuer.Settings{"limits.long_polls_each": fmt.Sprint(waiting), "limits.long_poll": "10m"})
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	if err := register(ctx, p); err != nil {
		return nil, err
	}
	tokens, err := login(ctx, p)
	if err != nil {
		return nil, err
	}
	uri, err := statusURI(tokens.Access)
	if err != nil {
		return nil, err
	}
	if err := undisturbed(ctx); err != nil {
		return nil, err
	}
	return wakeAll(ctx, p, strings.TrimPrefix(uri, p.URL), tokens.Refresh)
}

// signEvery is how often the issuer signs a list that did not change; those who
// wait are woken by that, too.
const signEvery = 5 * time.Minute

// undisturbed waits until no list is signed anew in the next minute.
func undisturbed(ctx context.Context) error {
	now := time.Now()
	left := now.Truncate(signEvery).Add(signEvery).Sub(now)
	if left > time.Minute {
		return nil
	}
	select {
	case <-time.After(left + time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func wakeAll(ctx context.Context, p *issuer.Process, path, refresh string) (Section, error) {
	crowd, err := gather(ctx, p, path, 1) // what the first one costs is not one more
	if err != nil {
		return nil, err
	}
	defer crowd.leave()
	empty := memoryOf(p.PID()).Resident
	rest, err := gather(ctx, p, path, waiting-1)
	if err != nil {
		return nil, err
	}
	defer rest.leave()
	out := &Waiters{Count: waiting, Each: (memoryOf(p.PID()).Resident - empty) / (waiting - 1)}

	client := issuer.NewClient(p.URL)
	defer client.Close()
	before := cpuOf(p.PID())
	answers := make(chan woken, waiting)
	crowd.read(answers)
	rest.read(answers)
	if a := client.Logout(ctx, refresh); a.Result != issuer.Done {
		return nil, fmt.Errorf("the revocation: %s", a)
	}
	began := time.Now()
	var body []byte
	for i := range waiting {
		a := <-answers
		switch {
		case a.err != nil:
			return nil, a.err
		case i == 0:
			body, out.First = a.body, max(0, a.at.Sub(began))
		case !bytes.Equal(a.body, body): // no two signatures are the same
			return nil, errors.New("two who waited have different bytes")
		}
		out.Last = max(out.Last, a.at.Sub(began))
	}
	out.CPU = cpuOf(p.PID()) - before
	out.AfterEach = (memoryOf(p.PID()).Resident - empty) / (waiting - 1)
	return out, ctx.Err()
}

// crowd are connections on each of which a request waits.
type crowd struct{ sockets []net.Conn }

func (c *crowd) leave() {
	for _, s := range c.sockets {
		_ = s.Close()
	}
}

// gather makes n requests that wait, and returns once the issuer has nothing to
// do any more.
func gather(ctx context.Context, p *issuer.Process, path string, n int) (c *crowd, err error) {
	c = &crowd{}
	defer func() {
		if err != nil {
			c.leave()
		}
	}()
	response, err := http.Get(p.URL + path)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	host := strings.TrimPrefix(p.URL, "http://")
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nIf-None-Match: %s\r\nPrefer: wait=600\r\n\r\n", path, host, response.Header.Get("ETag"))
	for range n {
		socket, err := net.Dial("tcp", host)
		if err != nil {
			return c, err
		}
		c.sockets = append(c.sockets, socket)
		if _, err := socket.Write(request); err != nil {
			return c, err
		}
	}
	return c, idle(ctx, p)
}

// idle waits until the issuer uses next to no processor time.
func idle(ctx context.Context, p *issuer.Process) error {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for last := time.Duration(-1); ; {
		now := cpuOf(p.PID())
		if last >= 0 && now-last <= 20*time.Millisecond {
			return nil
		}
		last = now
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// woken is an answer to one who waited.
type woken struct {
	body []byte
	at   time.Time
	err  error
}

// read reads the answers as they come. Each is small, and read whole.
func (c *crowd) read(answers chan<- woken) {
	var ready sync.WaitGroup
	for _, socket := range c.sockets {
		ready.Add(1)
		go func() {
			in := bufio.NewReader(socket)
			ready.Done()
			response, err := http.ReadResponse(in, nil)
			if err != nil {
				answers <- woken{err: err}
				return
			}
			body, err := io.ReadAll(response.Body)
			if err == nil && response.StatusCode != http.StatusOK {
				err = fmt.Errorf("one who waited is answered %s", response.Status)
			}
			answers <- woken{body, time.Now(), err}
		}()
	}
	ready.Wait()
}

// statusURI is where the access token says that its status is.
func statusURI(access string) (string, error) {
	var claims struct {
		Status struct {
			List struct {
				URI string `json:"uri"`
			} `json:"status_list"`
		} `json:"status"`
	}
	parts := strings.Split(access, ".")
	if len(parts) != 3 {
		return "", errors.New("no access token")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	return claims.Status.List.URI, errors.Join(err, json.Unmarshal(raw, &claims))
}

func (w *Waiters) write(out io.Writer) error {
	memory := "memory is measured on Linux only"
	if w.Each > 0 {
		memory = fmt.Sprintf("%.1f KB of the issuer's memory each, %.1f KB after they were woken", float64(w.Each)/1024, float64(w.AfterEach)/1024)
	}
	_, err := fmt.Fprintf(out, "\n%d verifiers wait for a status list: %s.\nOne revocation: the first has the new list after %s, the last after %s; %s of the issuer's processor time.\n",
		w.Count, memory, short(w.First), short(w.Last), short(w.CPU))
	return err
}

func (w *Waiters) figures() any { return w }

func (w *Waiters) claims() []Claim {
	if w.Each == 0 {
		return nil
	}
	most := max(w.Each, w.AfterEach)
	return []Claim{{fmt.Sprintf("%d who wait", w.Count), fmt.Sprintf("%.1f KB each; promised: at most %d KB", float64(most)/1024, mostWaiter>>10), most <= mostWaiter}}
}
