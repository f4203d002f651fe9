package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/bolt"
	"signet/idp/internal/config"
	"signet/idp/internal/grant"
	"signet/idp/internal/secret"
	"signet/keys"
)

// A change of the master key is cut off after each of its writes. One of the
// two key files opens the store then, and with the new one it goes on to the
// end.
func TestAChangeOfTheMasterKeyThatIsCutOff(t *testing.T) {
	for _, tt := range []struct {
		name     string
		until    int // how many steps are done
		oldOpens bool
	}{
		{"before it began", 0, true},
		{"after it was written down", 1, true},
		{"after the ring was sealed", 2, false},
		{"after the MAC keys were sealed", 3, false},
		{"after the store's secret was sealed", 4, false},
		{"after all was sealed", 5, false},
		{"after the file was rewritten", 6, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state := t.TempDir()
			h := mustOpen(t, state, nil)
			old, err := keys.ParseMasterKey(h.master.Text)
			if err != nil {
				t.Fatal(err)
			}
			leavePages(t, h)
			next := keys.NewMasterKey(rand.Reader)
			cutOff(t, h, old, next, tt.until)

			withOld := []string{secret.Env + "=" + strings.TrimSpace(string(old.Text()))}
			withNew := []string{secret.Env + "=" + strings.TrimSpace(string(next.Text()))}
			os.Remove(filepath.Join(state, secret.FileName))
			if h, err := open(t, state, withOld); (err == nil) != tt.oldOpens {
				t.Fatalf("the old key: %v", err)
			} else if err == nil {
				h.Close()
			} else if exitCode(err) != exitWrongKey || !strings.Contains(err.Error(), "/new.key") {
				t.Errorf("the error does not name the right file: %v", err)
			}
			if tt.until == 0 {
				return
			}
			before := fileIn(t, state)
			h = mustOpen(t, state, withNew)
			if os.SameFile(before, fileIn(t, state)) {
				t.Error("the store's file was not rewritten")
			}
			if change, err := h.lastChange(t.Context()); err != nil || change.Step != stepDone || change.SealedOld != "" {
				t.Errorf("it was not finished: %+v, %v", change, err)
			}
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			if sealed := sealedIn(t, state); sealed[old.ID()] != 0 || sealed[next.ID()] == 0 {
				t.Errorf("the file holds what these master keys sealed: %v", sealed)
			}
			if _, err := open(t, state, withOld); exitCode(err) != exitWrongKey {
				t.Errorf("the old key still opens it: %v", err)
			}
		})
	}
}

// leavePages leaves seals on pages of the file that belong to no record any
// more, and free pages beside them, so that some are not written over soon.
func leavePages(t *testing.T, h *house) {
	t.Helper()
	ctx := t.Context()
	var users []data.UserID
	for i := range 150 {
		u, err := h.store.CreateUser(ctx, data.User{Email: fmt.Sprintf("p%d@example.com", i), Roles: []string{strings.Repeat("r", data.MaxRoleName)}}, data.InvitationHash{})
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, u.ID)
	}
	for i, id := range users {
		if err := h.store.DeleteUser(ctx, id); err != nil {
			t.Fatal(err)
		}
		if i%15 != 0 {
			continue
		}
		if _, err := h.ring.Rotate(ctx, "", true); err != nil {
			t.Fatal(err)
		}
	}
}

// cutOff does so many steps of a change and closes the house.
func cutOff(t *testing.T, h *house, old, next keys.MasterKey, steps int) {
	t.Helper()
	ctx := t.Context()
	to := keys.NewSealer(next, h.store.Meta().StoreID)
	sealedOld, err := to.Seal(sealedMasterKind, old.ID(), old.Text())
	if err != nil {
		t.Fatal(err)
	}
	change := masterChange{Step: stepResealing, Old: old.ID(), New: next.ID(), File: "/new.key", At: time.Now(), SealedOld: sealedOld}
	for i, step := range []func() error{
		func() (err error) { change, err = h.write(ctx, change); return err },
		func() error { return h.ring.Reseal(ctx, to) },
		func() error { return h.macs.Reseal(ctx, to) },
		func() error { return h.secret.Reseal(ctx, to) },
		func() (err error) {
			change.Step, change.SealedOld = stepRewriting, ""
			change, err = h.write(ctx, change)
			return err
		},
		func() error { return h.engine.(*bolt.Engine).Compact(ctx) },
	} {
		if i == steps {
			break
		}
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// After a change that failed on its way in a running issuer, the next one
// finishes it first.
func TestAChangeOfTheMasterKeyThatFailedIsFinishedByTheNext(t *testing.T) {
	state := t.TempDir()
	h := mustOpen(t, state, nil)
	defer h.Close()
	old, _ := keys.ParseMasterKey(h.master.Text)
	next := keys.NewMasterKey(rand.Reader)
	found := secret.Found{Text: next.Text(), From: "/first.key"}

	// The store breaks while the MAC keys are sealed.
	macs := h.macs
	broken := &copied{}
	var err error
	h.macs, err = keys.OpenMACs(t.Context(), keys.Options{Config: keyConfig(h.config), Store: broken, Sealer: h.sealer, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	broken.value = []byte("broken")
	if err := h.change(t.Context(), old, next, found, time.Now()); !errors.Is(err, keys.ErrDamaged) {
		t.Fatalf("it did not fail: %v", err)
	}
	h.macs = macs
	if _, err := h.ring.Rotate(t.Context(), "", true); err != nil {
		t.Errorf("the ring does not go on: %v", err)
	}

	done, err := h.reseal(t.Context(), filepath.Join(state, "second.key"))
	if err != nil {
		t.Fatal(err)
	}
	if done.Old != next.ID() || done.OldFrom != "/first.key" || h.sealer.MasterKeyID() != done.New {
		t.Errorf("%+v; it seals under %s", done, h.sealer.MasterKeyID())
	}
	if sealed := sealedIn(t, state); len(sealed) != 1 || sealed[done.New] == 0 {
		t.Errorf("the file holds what these master keys sealed: %v", sealed)
	}
}

// An answer that got lost before the master key was changed is given again after
// it, to the byte: a refresh token depends on what is sealed, not on the seal.
func TestARefreshIsRepeatedAcrossAChangeOfTheMasterKey(t *testing.T) {
	state := t.TempDir()
	h := mustOpen(t, state, nil)
	u, err := h.store.CreateUser(t.Context(), data.User{Email: "ada@example.com"}, data.InvitationHash{})
	must(t, err)
	started, err := h.grants.Start(t.Context(), grant.StartRequest{User: u, Client: "signet", Audience: []string{"api"}})
	must(t, err)
	var next grant.RefreshToken
	refresh := func(want grant.Outcome) {
		t.Helper()
		i, err := h.grants.Turn(t.Context(), string(started.RefreshToken), nil)
		must(t, err)
		if i.Outcome != want || next != "" && i.RefreshToken != next {
			t.Errorf("%s, with another successor: %t", i.Outcome, i.RefreshToken != next)
		}
		next = i.RefreshToken
	}
	refresh(grant.Turned)
	file := filepath.Join(state, "new.key")
	_, err = h.reseal(t.Context(), file)
	must(t, err)
	refresh(grant.Repeated)
	must(t, h.Close())
	text, err := os.ReadFile(file)
	must(t, err)
	h = mustOpen(t, state, []string{secret.Env + "=" + strings.TrimSpace(string(text))})
	defer h.Close()
	refresh(grant.Repeated)
}

func open(t *testing.T, state string, environ []string) (*house, error) {
	t.Helper()
	c, err := config.Parse("", nil, []string{"SIGNET_STATE=" + state, "SIGNET_KEYS_ALGS=ES256", "SIGNET_PASSWORDS_BCRYPT_COST=10"})
	if err != nil {
		t.Fatal(err)
	}
	return openHouse(t.Context(), c, environ, time.Now, quiet)
}

func mustOpen(t *testing.T, state string, environ []string) *house {
	t.Helper()
	h, err := open(t, state, environ)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func fileIn(t *testing.T, state string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(filepath.Join(state, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// sealedIn counts, by master key, what is sealed anywhere in the store's file:
// in records that stand and on pages that were left.
func sealedIn(t *testing.T, state string) map[string]int {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(state, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	id := regexp.MustCompile(`"master":"([0-9a-f]{16})"`)
	for _, head := range regexp.MustCompile(`eyJ[\w-]+\.\.`).FindAll(body, -1) {
		text, _ := base64.RawURLEncoding.DecodeString(string(bytes.TrimSuffix(head, []byte(".."))))
		if m := id.FindSubmatch(text); m != nil {
			count[string(m[1])]++
		}
	}
	return count
}
