package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"signet/resource/internal/issuertest"
)

func TestBadFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"positional"},
		{"--audience", ""},
		{"--role", "two words"},
		{"--scope", ""},
		{"--keep-authorization"},
		{"--upstream", "localhost:8080"},
		{"--upstream", "ftp://localhost"},
		{"--upstream", "http://"},
		{"--upstream", "http://user:pass@localhost"},
		{"--upstream", "http://localhost/app"},
		{"--upstream", "http://localhost?"},
		{"--issuer", "ftp://id.example"},
		{"--resource", "api"},
		{"--listen", "nowhere:-1"},
	} {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if err := run(ended, append([]string{"--listen", "127.0.0.1:0"}, args...), io.Discard); err == nil {
			t.Errorf("%q is no error", args)
		}
	}
}

// lines gives what is written, a line at a time.
type lines chan string

func (l lines) Write(p []byte) (int, error) { l <- string(p); return len(p), nil }

func TestWhatRunsMayEndWhenTheGatewayStops(t *testing.T) {
	issuer := httptest.NewUnstartedServer(nil)
	i := issuertest.New(t, "http://"+issuer.Listener.Addr().String())
	issuer.Config.Handler = i
	issuer.Start()
	defer issuer.Close()
	arrived, answer := make(chan bool), make(chan bool)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-answer
		fmt.Fprint(w, "in the end")
	}))
	defer upstream.Close()

	ctx, stop := context.WithCancel(context.Background())
	said, ended := make(lines, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--listen", "127.0.0.1:0", "--issuer", i.URL, "--upstream", upstream.URL, "--health", "127.0.0.1:0"}, said)
	}()
	at := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(<-said)

	got := make(chan string, 1)
	go func() {
		r, _ := http.NewRequest(http.MethodGet, at, nil)
		r.Header.Set("Authorization", "Bearer "+i.Token())
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			got <- err.Error()
			return
		}
		defer a.Body.Close()
		body, _ := io.ReadAll(a.Body)
		got <- string(body)
	}()
	<-arrived
	stop()
	select {
	case err := <-ended:
		t.Fatalf("the gateway ended with a request in it: %v", err)
	case answer <- true:
	}
	if body := <-got; !strings.Contains(body, "in the end") {
		t.Errorf("got %s", body)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the gateway does not end")
	}
}
