//go:build browser

package browser_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// request is what a tab sent, without the questions that a browser asks on
// its own before another origin's resource (Fetch, section 4.8).
type request struct {
	id     network.RequestID
	call   string // "POST /posts"
	bearer string
	status int64 // 0 until there is an answer
}

// traffic is what a tab sent, in order, and what went wrong in it.
type traffic struct {
	mu         sync.Mutex
	requests   []request
	complaints []string
	changed    chan struct{} // closed and replaced at every event
}

func newTraffic() *traffic { return &traffic{changed: make(chan struct{})} }

// hear takes an event of the browser. It must be quick.
func (tr *traffic) hear(event any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		tr.sent(e)
	case *network.EventResponseReceived:
		for i := range tr.requests {
			if tr.requests[i].id == e.RequestID {
				tr.requests[i].status = e.Response.Status
			}
		}
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

func (tr *traffic) sent(e *network.EventRequestWillBeSent) {
	u, err := url.Parse(e.Request.URL)
	if err != nil || e.Request.Method == "OPTIONS" {
		return
	}
	bearer, _ := e.Request.Headers["Authorization"].(string)
	tr.requests = append(tr.requests, request{id: e.RequestID, call: e.Request.Method + " " + u.Path,
		bearer: strings.TrimPrefix(bearer, "Bearer ")})
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, fmt.Sprint(string(a.Value), a.Description))
	}
	return strings.Join(words, " ")
}

// takeComplaints gives and forgets what went wrong.
func (tr *traffic) takeComplaints() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	taken := tr.complaints
	tr.complaints = nil
	return taken
}

func (tr *traffic) snapshot() (requests []request, changed <-chan struct{}) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return append(requests, tr.requests...), tr.changed
}

// forget starts the list anew.
func (tr *traffic) forget() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.requests = nil
}

// list gives lines as "POST /posts 201".
func (tr *traffic) list() []string {
	requests, _ := tr.snapshot()
	var lines []string
	for _, r := range requests {
		lines = append(lines, fmt.Sprintf("%s %d", r.call, r.status))
	}
	return lines
}

// bearer is the newest access token that was sent.
func (tr *traffic) bearer() string {
	requests, _ := tr.snapshot()
	for i := len(requests) - 1; i >= 0; i-- {
		if requests[i].bearer != "" {
			return requests[i].bearer
		}
	}
	return ""
}
