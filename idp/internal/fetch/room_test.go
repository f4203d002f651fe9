package fetch

import (
	"context"
	"testing"
)

func TestWhoGivesUpLeavesNoPlaceTaken(t *testing.T) {
	r := newRoom()
	if !r.enter(t.Context(), "client.example") {
		t.Fatal("no place in an empty room")
	}
	for range maxAtOnce - 1 {
		r.all <- struct{}{} // others, at other hosts
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if r.enter(late, "client.example") {
			t.Fatal("a place in a full room")
		}
	}
	if h := r.hosts["client.example"]; len(h.slots) != 1 || h.users != 1 {
		t.Errorf("%d places taken by %d users", len(h.slots), h.users)
	}
	r.leave("client.example")
	if len(r.hosts) != 0 || len(r.all) != maxAtOnce-1 {
		t.Errorf("%d hosts, %d places", len(r.hosts), len(r.all))
	}
}
