package main

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// A balancer that watches /readyz sends nothing to a node any more by the time
// that it stops listening: not one request of its clients is dropped.
func TestANodeThatDrainsDropsNoRequest(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "SIGNET_LIMITS_DRAIN=1s")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	get := func(path string, headers ...string) (*http.Response, error) {
		r := asked(t, http.MethodGet, p.url+path, headers...)
		answer, err := client.Do(r)
		if err == nil {
			err = answer.Body.Close()
		}
		return answer, err
	}
	known, err := get("/.well-known/jwks.json")
	must(t, err)
	var beside sync.WaitGroup
	beside.Go(func() { // is held until the end, and answered
		answer, err := get("/.well-known/jwks.json", "If-None-Match", known.Header.Get("ETag"), "Prefer", "wait=30")
		if err != nil || answer.StatusCode != http.StatusNotModified {
			t.Errorf("who waits gets %v, %v", answer, err)
		}
	})
	notReady := make(chan struct{})
	for range 4 {
		beside.Go(func() {
			for {
				answer, err := get("/ping")
				if err != nil || answer.StatusCode != http.StatusOK {
					t.Errorf("a request was dropped: %v %v", answer, err)
					return
				}
				select {
				case <-notReady:
					if !answer.Close {
						answer, err = get("/ping")
					}
					if err != nil || !answer.Close {
						t.Errorf("the connection goes on: %v", err)
					}
					return
				default:
				}
			}
		})
	}
	p.signal()
	began := time.Now()
	eventually(t, "the node says that it is not ready", func() bool {
		answer, err := get("/readyz")
		if err != nil {
			t.Fatalf("it stopped before it said so: %v", err)
		}
		return answer.StatusCode == http.StatusServiceUnavailable
	})
	close(notReady)
	beside.Wait()
	if err := p.drain(); err != nil || time.Since(began) < time.Second || time.Since(began) > 10*time.Second {
		t.Errorf("it ended after %s with %v", time.Since(began), err)
	}
}
