//go:build browser

package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestAnExpiredTokenIsRefreshedOnceAndTheCallRepeated(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	b.register("ada")
	before := b.traffic.bearer()
	b.outlive()
	b.traffic.forget()
	b.write("written late")
	b.sends("POST /posts 401", "POST /session/refresh 200", "POST /posts 201")
	if b.traffic.bearer() == before {
		t.Error("the repeated call had the old token")
	}
}

func TestCallsAtTheSameTimeShareOneRefresh(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	ada := b.register("ada")
	b.click("#account summary")
	b.fill("#password-current", ada.password)
	b.fill("#password-new", "another long way")
	b.fill("#post-text", "at the same time")
	b.outlive()
	b.traffic.forget()
	b.do(chromedp.Evaluate[chromedp.Void](`for (const id of ['post-form', 'password-form']) document.getElementById(id).requestSubmit()`))
	b.reads("#posts li p", "at the same time")
	b.reads("#notice", "Your password is changed")
	if n := b.count("POST /session/refresh 200"); n != 1 || b.count("POST /posts 401") != 1 || b.count("POST /me/password 401") != 1 {
		t.Errorf("two refused calls asked for %d refreshes: %q", n, b.traffic.list())
	}
}

func TestTwoTabsThatRefreshAtTheSameMomentBothLive(t *testing.T) {
	t.Parallel()
	left := newHouse(t).newProfile()
	left.register("ada")
	right := left.beside()
	right.open("home")
	tabs := []*tab{left, right}
	for _, text := range []string{"first", "second", "third"} {
		var arrived []func() func()
		for _, b := range tabs {
			b.outlive()
			arrived = append(arrived, b.hold("/session/refresh"))
			b.fill("#post-text", text)
			b.click("#post-form [type=submit]")
		}
		// Both wait with the same cookie. A lock that let only one of them
		// refresh would keep the other from getting here.
		releases := []func(){arrived[0](), arrived[1]()}
		for i := range tabs {
			releases[i]()
		}
		for _, b := range tabs {
			b.reads("#posts li:first-child p", text)
		}
	}
	for _, b := range tabs {
		b.reload("home")
		if n := len(b.posts()); n != 6 {
			t.Errorf("a tab sees %d posts, want 6", n)
		}
	}
}

func TestReloadsThatThrowAnswersAwayLogNobodyOut(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	b.register("ada")
	for range 8 {
		b.traffic.forget()
		b.do(chromedp.Evaluate[chromedp.Void](`location.reload()`))
		b.traffic.await(b.t, "POST /session/refresh") // sent, and left at once
	}
	b.reload("home")
	b.outlive()
	b.write("still here")
}
