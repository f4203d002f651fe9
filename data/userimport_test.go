package data

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"signet/data/kv"
)

func TestAnImportNeverChangesWhoIsThere(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		const id, other = "aaaaaaaaaaaaaaaaaaaaaaaaaa", "baaaaaaaaaaaaaaaaaaaaaaaaa"
		for _, step := range []struct {
			name string
			user User
			want Imported
			err  error
		}{
			{"a new user is added, under the id", User{ID: id, Email: "Ana@example.com", PasswordHash: fakeHash(4), Roles: []string{"a"}}, ImportAdded, nil},
			{"the same line again does nothing", User{ID: id, Email: "ana@example.com", PasswordHash: fakeHash(4)}, ImportThere, nil},
			{"nor does it without the id", User{Email: "ANA@example.com", PasswordHash: fakeHash(4)}, ImportThere, nil},
			{"another password stays out", User{Email: "ana@example.com", PasswordHash: fakeHash(5)}, ImportDiffers, nil},
			{"another id is another person", User{ID: other, Email: "ana@example.com", PasswordHash: fakeHash(4)}, 0, ErrEmailTaken},
			{"an id is one person's", User{ID: id, Email: "bob@example.com", PasswordHash: fakeHash(4)}, 0, ErrIDTaken},
			{"an id is one that Signet makes", User{ID: "17", Email: "bob@example.com", PasswordHash: fakeHash(4)}, 0, ErrID},
			{"a hash is bcrypt's", User{Email: "bob@example.com", PasswordHash: "md5"}, 0, ErrHash},
			{"without an id a new one is made", User{Email: "bob@example.com", PasswordHash: fakeHash(4)}, ImportAdded, nil},
		} {
			before := dump(t, engine)
			got, err := s.ImportUser(t.Context(), step.user)
			if got != step.want || !errors.Is(err, step.err) {
				t.Errorf("%s: %v, %v", step.name, got, err)
			}
			if changed := fmt.Sprint(dump(t, engine)) != fmt.Sprint(before); changed != (step.want == ImportAdded) {
				t.Errorf("%s: changed the store: %v", step.name, changed)
			}
		}
		ana, err := s.User(t.Context(), id)
		if err != nil || ana.Email != "Ana@example.com" || ana.Epoch == 0 || len(ana.Roles) != 1 || ana.PasswordAt.IsZero() {
			t.Errorf("%+v, %v", ana, err)
		}
		if cost, err := s.MaxCost(t.Context()); cost != 4 || err != nil {
			t.Errorf("the highest cost is %d, %v", cost, err)
		}
	})
}

// Until the sweeper comes, what a deleted user had is still in the store.
func TestAnImportUnderTheIDOfADeletedUserRevivesNothing(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		const id = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
		line := User{ID: id, Email: "ana@example.com", PasswordHash: fakeHash(4)}
		if _, err := s.ImportUser(t.Context(), line); err != nil {
			t.Fatal(err)
		}
		first, err := s.User(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		newGrant(t, s, first, time.Hour)
		if err := s.DeleteUser(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if got, err := s.ImportUser(t.Context(), line); got != ImportAdded || err != nil {
			t.Fatal(got, err)
		}
		if list, err := s.UserGrants(t.Context(), id, GrantID{}, 0); len(list) > 0 || err != nil {
			t.Fatal(list, err)
		}
	})
}
