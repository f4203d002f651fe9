package fetch

import (
	"context"
	"strings"
	"sync"
)

// How many are asked at once. A host that answers slowly holds up itself.
const (
	maxPerHost = 4
	maxAtOnce  = 64
)

// room bounds how many exchanges there are.
type room struct {
	all   chan struct{}
	mu    sync.Mutex
	hosts map[string]*hostRoom
}

type hostRoom struct {
	slots chan struct{}
	users int // inside or waiting; guarded by room.mu
}

func newRoom() *room {
	return &room{all: make(chan struct{}, maxAtOnce), hosts: make(map[string]*hostRoom)}
}

// enter waits for a place, and says whether there was one before ctx ended.
// The host comes first, so that those who wait for it take no place of others.
func (r *room) enter(ctx context.Context, host string) bool {
	host = strings.ToLower(host)
	r.mu.Lock()
	h := r.hosts[host]
	if h == nil {
		h = &hostRoom{slots: make(chan struct{}, maxPerHost)}
		r.hosts[host] = h
	}
	h.users++
	r.mu.Unlock()

	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		r.forget(host)
		return false
	}
	select {
	case r.all <- struct{}{}:
		return true
	case <-ctx.Done():
		<-h.slots
		r.forget(host)
		return false
	}
}

// leave gives the place back; every enter that was true needs one.
func (r *room) leave(host string) {
	host = strings.ToLower(host)
	<-r.all
	r.mu.Lock()
	h := r.hosts[host]
	r.mu.Unlock()
	<-h.slots
	r.forget(host)
}

func (r *room) forget(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.hosts[host]
	if h.users--; h.users == 0 {
		delete(r.hosts, host)
	}
}
