package main

import (
	"net/http"
	"sync"
	"testing"
)

// Each guess goes to another node than the one before.
func TestGuessesAreCountedOverAllNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, oauthClients, "SIGNET_KEYS_ALGS=ES256", "SIGNET_THROTTLE_DELAY=30s")
	guess := func() answer {
		return c.post("/login", `{"email":"`+personMail+`","password":"not this one"}`)
	}
	for range 5 {
		guess().want(t, http.StatusUnauthorized)
	}
	for range 3 {
		if got := guess(); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
			t.Errorf("after the free ones: %d %v", got.Status, got.Header)
		}
	}
	for range 3 { // nor does the right one help
		c.post("/login", credentials(personMail)).want(t, http.StatusTooManyRequests)
	}
}

func TestOfGuessesAtOnceAllNodesLookAtNoMoreThanOneWould(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, oauthClients, "SIGNET_KEYS_ALGS=ES256", "SIGNET_THROTTLE_DELAY=30s")
	start, answers := make(chan struct{}), make(chan int, 60)
	var all sync.WaitGroup
	for range cap(answers) {
		all.Go(func() {
			<-start
			answers <- c.post("/login", `{"email":"`+personMail+`","password":"not this one"}`).Status
		})
	}
	close(start)
	all.Wait()
	close(answers)
	count := map[int]int{}
	for status := range answers {
		count[status]++
	}
	if count[http.StatusUnauthorized] != 5 || count[http.StatusTooManyRequests] != 55 {
		t.Errorf("the answers: %v", count)
	}
}
