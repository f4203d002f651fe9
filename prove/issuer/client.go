package issuer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Result is what a client knows after a request.
type Result int

const (
	// Unknown: there was no answer, or one that says nothing of what became
	// of the request. It may have happened.
	Unknown Result = iota
	// Done: the issuer acknowledged it.
	Done
	// Refused: the issuer said no.
	Refused
)

func (r Result) String() string { return [...]string{"unknown", "done", "refused"}[r] }

// Answer is the outcome of one request. The zero value is Unknown.
type Answer struct {
	Result Result
	Status int    // 0: no answer
	Code   string // the error of the JSON body
	Header http.Header
	Body   []byte
	Err    error // why there was no answer
}

func (a Answer) String() string {
	if a.Err != nil {
		return fmt.Sprintf("%s (%v)", a.Result, a.Err)
	}
	return fmt.Sprintf("%s (%d %s)", a.Result, a.Status, a.Code)
}

// Tokens is what a login or a refresh gives.
type Tokens struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"`
	Refresh   string `json:"refresh_token"`
}

// Client talks to the issuer at URL. It never repeats a request by itself.
type Client struct {
	URL  string
	http *http.Client
}

// NewClient keeps its connections open between requests.
func NewClient(url string) *Client {
	return &Client{URL: url, http: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 0},
	}}
}

// Close lets the connections go.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Register makes a person.
func (c *Client) Register(ctx context.Context, email, password string) Answer {
	return c.Post(ctx, "/register", "", map[string]string{"email": email, "password": password})
}

// Login signs a person in.
func (c *Client) Login(ctx context.Context, email, password string) (Tokens, Answer) {
	return tokens(c.Post(ctx, "/login", "", map[string]string{"email": email, "password": password}))
}

// Refresh takes a turn.
func (c *Client) Refresh(ctx context.Context, refresh string) (Tokens, Answer) {
	return tokens(c.Post(ctx, "/refresh", "", map[string]string{"refresh_token": refresh}))
}

// Logout ends the grant of the token.
func (c *Client) Logout(ctx context.Context, refresh string) Answer {
	return c.Post(ctx, "/logout", "", map[string]string{"refresh_token": refresh})
}

// ChangePassword changes the password of whom the access token speaks of.
func (c *Client) ChangePassword(ctx context.Context, access, current, next string) Answer {
	return c.Post(ctx, "/me/password", access, map[string]string{"current": current, "new": next})
}

// Me asks who the access token speaks of.
func (c *Client) Me(ctx context.Context, access string) Answer {
	return c.do(ctx, http.MethodGet, "/me", access, nil)
}

// JWKS fetches the published keys.
func (c *Client) JWKS(ctx context.Context) Answer {
	return c.do(ctx, http.MethodGet, "/.well-known/jwks.json", "", nil)
}

// Post sends body as JSON; access may be empty.
func (c *Client) Post(ctx context.Context, path, access string, body any) Answer {
	raw, err := json.Marshal(body)
	if err != nil {
		return Answer{Err: err}
	}
	return c.do(ctx, http.MethodPost, path, access, raw)
}

func (c *Client) do(ctx context.Context, method, path, access string, body []byte) Answer {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return Answer{Err: err}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if access != "" {
		req.Header.Set("Authorization", "Bearer "+access)
	}
	return c.send(req)
}

func (c *Client) send(req *http.Request) Answer {
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{Err: err}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{Err: err}
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Body: raw}
	switch {
	case resp.StatusCode < 300:
		a.Result = Done
	case resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests:
		a.Result = Refused
	}
	if a.Result != Done {
		var e struct {
			Error string `json:"error"`
		}
		_ = json.Unmarshal(raw, &e) // a body of another form has no code
		a.Code = e.Error
	}
	return a
}

// tokens reads an answer that holds tokens. One that cannot be read, or
// lacks one, is no acknowledgement of anything.
func tokens(a Answer) (Tokens, Answer) {
	var t Tokens
	if a.Result != Done {
		return t, a
	}
	if err := json.Unmarshal(a.Body, &t); err != nil || t.Access == "" || t.Refresh == "" {
		a.Result, a.Err = Unknown, fmt.Errorf("an answer %d without tokens", a.Status)
	}
	return t, a
}
