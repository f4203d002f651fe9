//go:build browser

package chrome

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Request is what a tab sent, without the questions that a browser asks on
// its own before another origin's resource (Fetch, section 4.8).
type Request struct {
	Call   string // "POST /posts"
	Bearer string // the token, if one was sent
	Status int64  // 0 until there is an answer

	id network.RequestID
}

// Traffic is what a tab sent, in order, and what went wrong in it.
type Traffic struct {
	mu         sync.Mutex
	requests   []Request
	complaints []string
	changed    chan struct{} // closed and replaced at every event
}

func newTraffic() *Traffic { return &Traffic{changed: make(chan struct{})} }

// hear takes an event of the browser. It must be quick.
func (tr *Traffic) hear(event any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		tr.sent(e)
	case *network.EventResponseReceived:
		tr.answered(e.RequestID, e.Response.Status)
	case *runtime.EventExceptionThrown:
		tr.complaints = append(tr.complaints, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			tr.complaints = append(tr.complaints, said(e.Args))
		}
	case *log.EventEntryAdded:
		// A status that is an error is written here too, and is no complaint.
		if e.Entry.Source != log.EntrySourceNetwork && e.Entry.Level == log.EntryLevelError {
			tr.complaints = append(tr.complaints, e.Entry.Text)
		}
	}
	close(tr.changed)
	tr.changed = make(chan struct{})
}

// answered notes the status of the last request with that id: what a redirect
// leads to has the same one.
func (tr *Traffic) answered(id network.RequestID, status int64) {
	for i, r := range slices.Backward(tr.requests) {
		if r.id == id {
			tr.requests[i].Status = status
			return
		}
	}
}

func (tr *Traffic) sent(e *network.EventRequestWillBeSent) {
	if e.RedirectResponse != nil {
		tr.answered(e.RequestID, e.RedirectResponse.Status)
	}
	u, err := url.Parse(e.Request.URL)
	if err != nil || e.Request.Method == "OPTIONS" {
		return
	}
	bearer, _ := e.Request.Headers["Authorization"].(string)
	tr.requests = append(tr.requests, Request{id: e.RequestID, Call: e.Request.Method + " " + u.Path,
		Bearer: strings.TrimPrefix(bearer, "Bearer ")})
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, fmt.Sprint(string(a.Value), a.Description))
	}
	return strings.Join(words, " ")
}

// TakeComplaints gives and forgets what went wrong.
func (tr *Traffic) TakeComplaints() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	taken := tr.complaints
	tr.complaints = nil
	return taken
}

// Snapshot gives what was sent so far, and a channel that is closed when there
// is more.
func (tr *Traffic) Snapshot() (requests []Request, changed <-chan struct{}) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return append(requests, tr.requests...), tr.changed
}

// Forget starts the list anew.
func (tr *Traffic) Forget() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.requests = nil
}

// List gives lines as "POST /posts 201".
func (tr *Traffic) List() []string {
	requests, _ := tr.Snapshot()
	var lines []string
	for _, r := range requests {
		lines = append(lines, fmt.Sprintf("%s %d", r.Call, r.Status))
	}
	return lines
}

// Bearer is the newest access token that was sent.
func (tr *Traffic) Bearer() string {
	requests, _ := tr.Snapshot()
	for i := len(requests) - 1; i >= 0; i-- {
		if requests[i].Bearer != "" {
			return requests[i].Bearer
		}
	}
	return ""
}
