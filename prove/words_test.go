//go:build crash

package prove

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// words are what a resource server heard of the issuer: whole answers, by the
// path that was asked for.
type words struct {
	inner http.RoundTripper
	mu    sync.Mutex
	heard map[string][]word
}

type word struct{ asked, heard time.Time }

// RoundTrip notes the answer when its last byte was read.
func (w *words) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := w.asking(r.URL.Path)
	response, err := w.inner.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNotModified {
		return response, err
	}
	response.Body = &noted{response.Body, sync.OnceFunc(func() { w.note(r.URL.Path, asked) })}
	return response, nil
}

// asking is a time at which the resource server had surely not begun to ask
// yet, and not long before that: it asks once it has heard the answer before.
func (w *words) asking(path string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if all := w.heard[path]; len(all) > 0 {
		return all[len(all)-1].heard
	}
	return time.Now()
}

func (w *words) note(path string, asked time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard[path] = append(w.heard[path], word{asked, time.Now()})
}

type noted struct {
	io.ReadCloser
	whole func()
}

func (n *noted) Read(p []byte) (int, error) {
	read, err := n.ReadCloser.Read(p)
	if err == io.EOF {
		n.whole()
	}
	return read, err
}

// last is when the last request for that path began whose answer had been heard
// by then.
func (w *words) last(path string, by time.Time) (last time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.heard[path] {
		if !one.heard.After(by) && one.asked.After(last) {
			last = one.asked
		}
	}
	return last
}
