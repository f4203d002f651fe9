package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"signet/bench/internal/load"
)

func TestEveryTurnOfAChainIsChecked(t *testing.T) {
	for _, c := range []struct {
		what string
		id   bool
		says []string // what the server answers, in turn
		fine int      // how many turns are
	}{
		{"new tokens", false, []string{`{"access_token":"a","refresh_token":"1"}`, `{"access_token":"b","refresh_token":"2"}`}, 2},
		{"a refresh token that was there before", false, []string{`{"access_token":"a","refresh_token":"1"}`, `{"access_token":"b","refresh_token":"1"}`}, 1},
		{"the one that was spent", false, []string{`{"access_token":"a","refresh_token":"first"}`}, 0},
		{"no refresh token", false, []string{`{"access_token":"a"}`}, 0},
		{"no access token", false, []string{`{"refresh_token":"1"}`}, 0},
		{"no JSON", false, []string{`refresh_token`}, 0},
		{"an ID token too many", false, []string{`{"access_token":"a","refresh_token":"1","id_token":"i"}`}, 0},
		{"none where there should be one", true, []string{`{"access_token":"a","refresh_token":"1"}`}, 0},
		{"one", true, []string{`{"access_token":"a","refresh_token":"1","id_token":"i"}`}, 1},
	} {
		left := c.says
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(left[0]))
			left = left[1:]
		}))
		all := chains{list: newChains([]string{"first"}), request: jsonRefresh("/"), id: c.id}
		conn, err := load.Dial(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		fine := 0
		for range c.says {
			if err := all.ask(t.Context(), 0, conn); err != nil {
				break
			}
			fine++
		}
		if fine != c.fine {
			t.Errorf("%s: %d turns were fine, want %d", c.what, fine, c.fine)
		}
		_ = conn.Close()
		server.Close()
	}
}

func TestATokenOfAPurseIsTakenOnce(t *testing.T) {
	made := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	var mu sync.Mutex
	p := &purse{mint: minter{server.URL, 3, func(int, *load.Conn) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		made++
		return fmt.Sprint(made), nil
	}}}
	for _, n := range []int{10, 4} {
		if err := p.fill(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		var took []string
		for token, err := p.take(); !errors.Is(err, load.ErrSpent); token, err = p.take() {
			took = append(took, token)
		}
		slices.Sort(took)
		if len(slices.Compact(took)) != n {
			t.Errorf("%d different tokens of %d", len(took), n)
		}
		if p.any() == "" {
			t.Error("no token to show again")
		}
	}
	p.mint.make = func(int, *load.Conn) (string, error) { return "", errors.New("no more") }
	if err := p.fill(t.Context(), 5); err == nil {
		t.Error("a purse that cannot be filled was")
	}
}

func TestAnAnswerThatCameBeforeIsNoNewToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"access_token":"the same"}`))
	}))
	defer server.Close()
	c, err := load.Dial(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := newTokens(1, load.Request{Path: "/"})
	if err := ask(t.Context(), 0, c); err != nil {
		t.Error(err)
	}
	if err := ask(t.Context(), 0, c); !errors.Is(err, errTwice) {
		t.Errorf("%v", err)
	}
}
