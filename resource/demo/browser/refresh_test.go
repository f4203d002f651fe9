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
	before := b.Traffic.Bearer()
	b.outlive()
	b.Traffic.Forget()
	b.write("written late")
	b.sends("POST /posts 401", "POST /session/refresh 200", "POST /posts 201")
	if b.Traffic.Bearer() == before {
		t.Error("the repeated call had the old token")
	}
}

func TestCallsAtTheSameTimeShareOneRefresh(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	ada := b.register("ada")
	b.Click("#account summary")
	b.Fill("#password-current", ada.password)
	b.Fill("#password-new", "another long way")
	b.Fill("#post-text", "at the same time")
	b.outlive()
	b.Traffic.Forget()
	b.Do(chromedp.Evaluate[chromedp.Void](`for (const id of ['post-form', 'password-form']) document.getElementById(id).requestSubmit()`))
	b.Reads("#posts li p", "at the same time")
	b.Reads("#notice", "Your password is changed")
	if n := b.count("POST /session/refresh 200"); n != 1 || b.count("POST /posts 401") != 1 || b.count("POST /me/password 401") != 1 {
		t.Errorf("two refused calls asked for %d refreshes: %q", n, b.Traffic.List())
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
			b.Fill("#post-text", text)
			b.Click("#post-form [type=submit]")
		}
		// Both wait with the same cookie. A lock that let only one of them
		// refresh would keep the other from getting here.
		releases := []func(){arrived[0](), arrived[1]()}
		for i := range tabs {
			releases[i]()
		}
		for _, b := range tabs {
			b.Reads("#posts li:first-child p", text)
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
		b.Traffic.Forget()
		b.Do(chromedp.Evaluate[chromedp.Void](`location.reload()`))
		b.awaits("POST /session/refresh") // sent, and left at once
	}
	b.reload("home")
	b.outlive()
	b.write("still here")
}
