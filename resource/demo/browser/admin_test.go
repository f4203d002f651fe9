//go:build browser

package browser_test

import "testing"

func TestARoleThatIsGivenShowsTheAdminsViewAndOneThatIsTakenHidesIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.newProfile()
	ada := b.register("ada")
	b.write("before")
	b.Until(`document.getElementById('admin').hidden`)

	h.idp("users", "roles", ada.email, "--add", "admin")
	b.outlive()
	b.write("the next token says it")
	b.Reads("#admin", "role admin")
	b.Reads("#admin-rows", ada.email+" (you)")
	b.reload("home")
	b.Reads("#admin-rows tr", "2")

	h.idp("users", "roles", ada.email, "--remove", "admin")
	b.outlive()
	b.write("and the one after takes it back")
	b.Until(`document.getElementById('admin').hidden`)
}
