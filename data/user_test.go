package data

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

func TestAUserIsFoundByIDAndByEveryFormOfTheEmail(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		made, err := s.CreateUser(t.Context(), User{
			Email: " J\u00f6rg@Example.com", Roles: []string{"admin"}, EmailVerified: true, PasswordHash: fakeHash(12),
		}, InvitationHash{})
		if err != nil {
			t.Fatal(err)
		}
		if made.Email != "J\u00f6rg@Example.com" || made.EmailKey != "j\u00f6rg@example.com" || made.Epoch != 1 ||
			!made.CreatedAt.Equal(c.Now()) || !made.PasswordAt.Equal(c.Now()) {
			t.Fatalf("%+v", made)
		}
		if _, err := ParseUserID(string(made.ID)); err != nil {
			t.Fatal(err)
		}
		e, _ := ParseEmail("JO\u0308RG@EXAMPLE.COM")
		byEmail, err := s.UserByEmail(t.Context(), e)
		if err != nil || !reflect.DeepEqual(byEmail, made) {
			t.Fatalf("%+v, %v", byEmail, err)
		}
		byID, err := s.User(t.Context(), made.ID)
		if err != nil || !reflect.DeepEqual(byID, made) {
			t.Fatalf("%+v, %v", byID, err)
		}
		nobody, _ := ParseEmail("nobody@example.com")
		if _, err := s.UserByEmail(t.Context(), nobody); !errors.Is(err, ErrNoUser) {
			t.Fatal(err)
		}
		if _, err := s.User(t.Context(), "nobody"); !errors.Is(err, ErrNoUser) {
			t.Fatal(err)
		}
	})
}

func TestOneOfAHundredRegistrationsOfAnEmailWins(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		forms := []string{"j\u00f6rg@example.com", "JO\u0308RG@example.COM", "J\u00d6rg@Example.com"}
		won := race(100, func(i int) bool {
			_, err := s.CreateUser(context.Background(), User{Email: forms[i%len(forms)], PasswordHash: fakeHash(4 + i%10)}, InvitationHash{})
			if err != nil && !errors.Is(err, ErrEmailTaken) {
				t.Error(err)
			}
			return err == nil
		})
		if won != 1 {
			t.Fatalf("%d won", won)
		}
		if pairs := dump(t, engine); len(pairs) != 4 { // meta, user, e-mail, cost
			t.Fatalf("%d pairs are there: %q", len(pairs), pairs)
		}
	})
}

func TestCreateUserRefuses(t *testing.T) {
	many := make([]string, MaxRoles+1)
	for i := range many {
		many[i] = fmt.Sprint("role", i)
	}
	var bad *EmailError
	for _, c := range []struct {
		name string
		u    User
		want any
	}{
		{"an address that is none", User{Email: "ann"}, &bad},
		{"a hash that is none", User{Email: "ann@example.com", PasswordHash: "secret"}, ErrHash},
		{"a hash of cost 3", User{Email: "ann@example.com", PasswordHash: fakeHash(3)}, ErrHash},
		{"a hash of cost 32", User{Email: "ann@example.com", PasswordHash: fakeHash(32)}, ErrHash},
		{"a hash of another scheme", User{Email: "ann@example.com", PasswordHash: strings.Replace(fakeHash(12), "$2b", "$6b", 1)}, ErrHash},
		{"a hash of another variant", User{Email: "ann@example.com", PasswordHash: strings.Replace(fakeHash(12), "$2b", "$2x", 1)}, ErrHash},
		{"a hash with a stray character", User{Email: "ann@example.com", PasswordHash: fakeHash(12)[:59] + "-"}, ErrHash},
		{"a role without a name", User{Email: "ann@example.com", Roles: []string{""}}, ErrRole},
		{"a role with a space", User{Email: "ann@example.com", Roles: []string{"a b"}}, ErrRole},
		{"a role with a NUL", User{Email: "ann@example.com", Roles: []string{"a\x00"}}, ErrRole},
		{"a role that is too long", User{Email: "ann@example.com", Roles: []string{strings.Repeat("a", MaxRoleName+1)}}, ErrRole},
		{"a role that is there twice", User{Email: "ann@example.com", Roles: []string{"a", "a"}}, ErrRole},
		{"too many roles", User{Email: "ann@example.com", Roles: many}, ErrRole},
	} {
		t.Run(c.name, func(t *testing.T) {
			engine := mem.New()
			_, err := open(t, engine, newClock()).CreateUser(t.Context(), c.u, InvitationHash{})
			if want, ok := c.want.(error); ok && !errors.Is(err, want) || !ok && !errors.As(err, &bad) {
				t.Fatal(err)
			}
			if len(dump(t, engine)) != 1 {
				t.Fatal("something was written")
			}
		})
	}
}

func TestUsersComePageByPage(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		want := map[UserID]bool{}
		for i := range 25 {
			want[newUser(t, s, fmt.Sprintf("u%d@example.com", i)).ID] = true
		}
		var after UserID
		for pages := 1; ; pages++ {
			page, err := s.Users(t.Context(), after, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page {
				if u.ID <= after || !want[u.ID] {
					t.Fatalf("%s after %s", u.ID, after)
				}
				delete(want, u.ID)
				after = u.ID
			}
			if len(page) < 10 {
				if len(want) != 0 || pages != 3 {
					t.Fatalf("%d are missing after %d pages", len(want), pages)
				}
				return
			}
		}
	})
}

func TestTheHighestCostFollowsTheHashes(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		expect := func(want int) {
			t.Helper()
			if got, err := s.MaxCost(t.Context()); got != want || err != nil {
				t.Fatalf("%d, %v instead of %d", got, err, want)
			}
		}
		expect(0)
		a := newUser(t, s, "a@example.com")
		b := newUser(t, s, "b@example.com")
		expect(12)
		set := func(id UserID, hash string) {
			t.Helper()
			if _, err := s.ChangeUser(t.Context(), id, func(u *User) error { u.PasswordHash = hash; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		set(a.ID, fakeHash(31))
		expect(31)
		set(a.ID, fakeHash(4))
		expect(12)
		if _, err := s.ChangePassword(t.Context(), b.ID, fakeHash(9), nil); err != nil {
			t.Fatal(err)
		}
		expect(9)
		if err := s.DeleteUser(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
		expect(4)
		set(a.ID, "")
		expect(0)
	})
}

func TestAChangeOfAUser(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		ann, bob := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
		c.Move(time.Hour)

		t.Run("does not touch what is not its own", func(t *testing.T) {
			u, err := s.ChangeUser(t.Context(), ann.ID, func(u *User) error {
				u.ID, u.Epoch, u.EmailKey, u.CreatedAt = bob.ID, 77, bob.EmailKey, time.Time{}
				u.Roles = append(u.Roles, "editor")
				return nil
			})
			if err != nil || u.ID != ann.ID || u.Epoch != 1 || u.EmailKey != ann.EmailKey || !u.CreatedAt.Equal(ann.CreatedAt) ||
				len(u.Roles) != 1 || !u.UpdatedAt.Equal(c.Now()) {
				t.Fatalf("%+v, %v", u, err)
			}
		})
		t.Run("that fails changes nothing", func(t *testing.T) {
			before := dump(t, engine)
			stop := errors.New("stop")
			if _, err := s.ChangeUser(t.Context(), ann.ID, func(u *User) error { u.Roles = nil; return stop }); err != stop {
				t.Fatal(err)
			}
			if fmt.Sprint(dump(t, engine)) != fmt.Sprint(before) {
				t.Fatal("it did")
			}
		})
		t.Run("that changes nothing writes nothing", func(t *testing.T) {
			c.Move(time.Hour)
			u, err := s.ChangeUser(t.Context(), ann.ID, func(*User) error { return nil })
			if err != nil || u.UpdatedAt.Equal(c.Now()) {
				t.Fatalf("%+v, %v", u, err)
			}
		})
		t.Run("takes no e-mail of another", func(t *testing.T) {
			before := dump(t, engine)
			_, err := s.ChangeUser(t.Context(), ann.ID, func(u *User) error { u.Email, u.Disabled = "BOB@example.com", true; return nil })
			if !errors.Is(err, ErrEmailTaken) || fmt.Sprint(dump(t, engine)) != fmt.Sprint(before) {
				t.Fatal(err)
			}
		})
		t.Run("moves the e-mail", func(t *testing.T) {
			if _, err := s.ChangeUser(t.Context(), ann.ID, func(u *User) error { u.Email = "Anna@example.com"; return nil }); err != nil {
				t.Fatal(err)
			}
			e, _ := ParseEmail("anna@example.com")
			if u, err := s.UserByEmail(t.Context(), e); err != nil || u.ID != ann.ID || u.Email != "Anna@example.com" {
				t.Fatalf("%+v, %v", u, err)
			}
			newUser(t, s, "ann@example.com") // it is free
		})
		t.Run("of nobody is refused", func(t *testing.T) {
			if _, err := s.ChangeUser(t.Context(), "nobody", func(*User) error { return nil }); !errors.Is(err, ErrNoUser) {
				t.Fatal(err)
			}
		})
	})
}

// Two who know the old password change it: the slower one proved a password
// that is no longer the user's.
func TestAReplacedPasswordIsReplacedOnce(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		u := newUser(t, s, "ann@example.com")
		won := race(50, func(i int) bool {
			_, err := s.ReplacePassword(context.Background(), u.ID, u.PasswordHash, fakeHash(13+i%3), nil)
			if err != nil && !errors.Is(err, ErrPasswordChanged) {
				t.Error(err)
			}
			return err == nil
		})
		after, _ := s.User(t.Context(), u.ID)
		if won != 1 || after.Epoch != 2 {
			t.Fatalf("%d won, epoch %d", won, after.Epoch)
		}
	})
}

func TestADeletedUserLeavesNothing(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		before := len(dump(t, engine))
		u := newUser(t, s, "ann@example.com")
		for range 5 {
			newGrant(t, s, u, time.Hour)
		}
		if err := s.DeleteUser(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteUser(t.Context(), u.ID); !errors.Is(err, ErrNoUser) {
			t.Fatal(err)
		}
		newUser(t, s, "ann@example.com")
		c.Move(2 * time.Hour)
		if _, err := s.Sweep(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		if got := len(dump(t, engine)); got != before+3 {
			t.Fatalf("%d pairs instead of %d", got, before+3)
		}
	})
}

func TestAnInvitationIsSpentOnce(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		code, inv, err := s.CreateInvitation(t.Context(), Email{}, []string{"editor", "reader"}, time.Hour)
		if err != nil || code.Hash() != inv.Hash {
			t.Fatal(inv, err)
		}
		won := race(100, func(i int) bool {
			u, err := s.CreateUser(context.Background(), User{Email: fmt.Sprintf("u%d@example.com", i), Roles: []string{"reader"}}, code.Hash())
			if err != nil && !errors.Is(err, ErrNoInvitation) {
				t.Error(err)
			}
			if err == nil && fmt.Sprint(u.Roles) != "[reader editor]" {
				t.Error(u.Roles)
			}
			return err == nil
		})
		list, err := s.Invitations(t.Context())
		if won != 1 || len(list) != 0 || err != nil {
			t.Fatalf("%d won, %d are left, %v", won, len(list), err)
		}
	})
}

func TestAnInvitationIsGoodFor(t *testing.T) {
	bob, _ := ParseEmail("Bob@example.com")
	for _, c := range []struct {
		name  string
		email Email
		who   string
		after time.Duration
		want  error
	}{
		{"anyone", Email{}, "ann@example.com", 0, nil},
		{"the one it is for", bob, "BOB@example.com", 0, nil},
		{"nobody else", bob, "ann@example.com", 0, ErrNoInvitation},
		{"its last moment", Email{}, "ann@example.com", time.Hour - 1, nil},
		{"no later one", Email{}, "ann@example.com", time.Hour, ErrNoInvitation},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := newClock()
			s := open(t, mem.New(), clock)
			code, _, err := s.CreateInvitation(t.Context(), c.email, nil, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			clock.Move(c.after)
			_, err = s.CreateUser(t.Context(), User{Email: c.who}, code.Hash())
			if !errors.Is(err, c.want) {
				t.Fatal(err)
			}
		})
	}
}

func TestAFailedRegistrationSpendsNoInvitation(t *testing.T) {
	s := open(t, mem.New(), newClock())
	newUser(t, s, "ann@example.com")
	code, inv, err := s.CreateInvitation(t.Context(), Email{}, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateUser(t.Context(), User{Email: "ANN@example.com"}, code.Hash()); !errors.Is(err, ErrEmailTaken) {
		t.Fatal(err)
	}
	if list, _ := s.Invitations(t.Context()); len(list) != 1 || list[0].Hash != inv.Hash {
		t.Fatal("it was spent")
	}
	if err := s.DeleteInvitation(t.Context(), inv.Hash); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteInvitation(t.Context(), inv.Hash); !errors.Is(err, ErrNoInvitation) {
		t.Fatal(err)
	}
	if _, err := s.CreateUser(t.Context(), User{Email: "bob@example.com"}, code.Hash()); !errors.Is(err, ErrNoInvitation) {
		t.Fatal(err)
	}
}
