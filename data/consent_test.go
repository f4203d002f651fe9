package data

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"signet/data/kv"
	"signet/data/kv/mem"
)

func TestWhatWasAllowedIsNotAskedForAgain(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		ann, bob := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
		allow := func(client, scope string, audience, claims []string) {
			t.Helper()
			if err := s.AddConsent(t.Context(), Consent{User: ann.ID, Client: client, Scope: scope, Audience: audience, Claims: claims}); err != nil {
				t.Fatal(err)
			}
		}
		allow("web", "openid email", []string{"api"}, nil)
		allow("web", "openid posts", []string{"api", "files"}, []string{"birthdate"})
		allow("app", "openid", nil, nil)
		for _, c := range []struct {
			name             string
			user             UserID
			client, scope    string
			audience, claims []string
			want             bool
		}{
			{"what came first", ann.ID, "web", "openid email", []string{"api"}, nil, true},
			{"what came later", ann.ID, "web", "posts", []string{"files"}, []string{"birthdate"}, true},
			{"both together", ann.ID, "web", "posts email openid", []string{"files", "api"}, []string{"birthdate"}, true},
			{"nothing, of one who may have something", ann.ID, "web", "", nil, nil, true},
			{"a scope more", ann.ID, "web", "openid phone", nil, nil, false},
			{"a part of a name", ann.ID, "web", "post", nil, nil, false},
			{"an audience more", ann.ID, "web", "openid", []string{"mail"}, nil, false},
			{"a claim more", ann.ID, "web", "openid", nil, []string{"gender"}, false},
			{"another client", ann.ID, "app", "email", nil, nil, false},
			{"another person", bob.ID, "web", "openid", nil, nil, false},
			{"nothing, of one who may have nothing", bob.ID, "web", "", nil, nil, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				got, err := s.Consent(t.Context(), c.user, c.client)
				if err != nil || got.Covers(c.scope, c.audience, c.claims) != c.want {
					t.Fatalf("%+v, %v", got, err)
				}
			})
		}
		list, err := s.Consents(t.Context(), ann.ID)
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		if err := s.RemoveConsent(t.Context(), ann.ID, "web"); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Consent(t.Context(), ann.ID, "web"); err != nil || got.Covers("openid", nil, nil) {
			t.Fatal(got, err)
		}
		if list, err := s.Consents(t.Context(), ann.ID); err != nil || len(list) != 1 || list[0].Client != "app" {
			t.Fatal(list, err)
		}
		if list, err := s.Consents(t.Context(), ""); err != nil || len(list) != 0 {
			t.Fatal("nobody in particular has somebody's consents", list, err)
		}
	})
}

func TestNobodyConsentsForAUserWhoIsGone(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	u := newUser(t, s, "ann@example.com")
	if err := s.DeleteUser(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.AddConsent(t.Context(), Consent{User: u.ID, Client: "web"}); !errors.Is(err, ErrNoUser) {
		t.Fatal(err)
	}
}

func TestConsentsAtOnceAreAllKept(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		u := newUser(t, s, "ann@example.com")
		race(50, func(i int) bool {
			if err := s.AddConsent(context.Background(), Consent{User: u.ID, Client: "web", Scope: fmt.Sprint("s", i)}); err != nil {
				t.Error(err)
			}
			return true
		})
		c, err := s.Consent(t.Context(), u.ID, "web")
		if scopes := strings.Fields(c.Scope); err != nil || len(scopes) != 50 || !slices.Contains(scopes, "s49") {
			t.Fatal(scopes, err)
		}
	})
}
