package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"signet/data"
	"signet/keys"
)

// lost is what the store that is replaced has and the backup has not.
type lost struct {
	SameStore bool     `json:"same_store"`
	Users     []string `json:"users"`    // e-mails of users who are not in the backup
	Changed   []string `json:"changed"`  // of users who were changed since
	Revoked   []string `json:"revoked"`  // kids that were revoked since; they stay revoked
	Returned  int      `json:"returned"` // users of the backup who were gone
}

// compare looks at the store that is replaced. One that cannot be read is no
// reason to stop: it may be why there is a restore.
func (r *restoring) compare(ctx context.Context) error {
	if r.there == nil {
		return nil
	}
	l, err := r.look(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		r.out.Unreadable = err.Error()
		return nil
	}
	r.out.Lost = l
	return nil
}

func (r *restoring) look(ctx context.Context) (*lost, error) {
	old, err := data.Open(ctx, r.there, data.Options{Logger: quiet})
	if err != nil {
		return nil, err
	}
	l := &lost{SameStore: old.Meta().StoreID == r.out.Backup.StoreID, Users: []string{}, Changed: []string{}, Revoked: []string{}}
	was, err := usersOf(ctx, r.store)
	if err != nil {
		return nil, err
	}
	is, err := usersOf(ctx, old)
	if err != nil {
		return nil, err
	}
	for id, u := range is {
		switch before, found := was[id]; {
		case !found:
			l.Users = append(l.Users, u.email)
		case !before.changed.Equal(u.changed):
			l.Changed = append(l.Changed, u.email)
		}
		delete(was, id)
	}
	l.Returned = len(was)
	slices.Sort(l.Users)
	slices.Sort(l.Changed)
	if l.SameStore {
		l.Revoked, err = r.keepRevoked(ctx, old)
	}
	return l, err
}

type userState struct {
	email   string
	changed time.Time
}

func usersOf(ctx context.Context, s *data.Store) (map[data.UserID]userState, error) {
	all := map[data.UserID]userState{}
	var after data.UserID
	for {
		page, err := s.Users(ctx, after, 0)
		if err != nil || len(page) == 0 {
			return all, err
		}
		for _, u := range page {
			after = u.ID
			all[u.ID] = userState{u.Email, u.UpdatedAt}
		}
	}
}

// keepRevoked revokes in the new store what was revoked in the old one since
// the backup: nothing that was revoked works again.
func (r *restoring) keepRevoked(ctx context.Context, old *data.Store) ([]string, error) {
	o, err := keyring(ctx, r.config, old, r.master)
	if err != nil {
		return nil, err
	}
	before, err := openCopy(ctx, o, old)
	if err != nil {
		return nil, err
	}
	if o, err = keyring(ctx, r.config, r.store, r.master); err != nil {
		return nil, err
	}
	ring, err := keys.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	revoked := map[string]string{}
	for _, k := range before.List() {
		if why, found := strings.CutPrefix(k.Why, "revoked: "); found && k.State == keys.Gone {
			revoked[k.KID] = why
		}
	}
	done := []string{}
	for _, kid := range slices.Sorted(maps.Keys(revoked)) {
		_, err := ring.Revoke(ctx, kid, revoked[kid])
		switch {
		case errors.Is(err, keys.ErrUnknownKey), errors.Is(err, keys.ErrGone):
		case err != nil:
			return nil, err
		default:
			done = append(done, kid)
		}
	}
	return done, nil
}

// refusal is what one reads before one says --force.
func (r *restoring) refusal() string {
	return fmt.Sprintf("there is a store in %s already; nothing was changed.\n%s--force replaces it, and keeps it under another name",
		storePlace(r.config), r.losses())
}

// losses says what the restore undoes, line by line.
func (r *restoring) losses() string {
	var b strings.Builder
	now := r.env.now()
	made := r.out.Backup.CreatedAt
	fmt.Fprintf(&b, "the backup was made at %s (%s), with %s; what came after it is lost\n",
		local(made, now), relative(made, now), count(r.out.Backup.Users, "user"))
	if r.out.Unreadable != "" {
		fmt.Fprintf(&b, "the present store cannot be read (%s), so nobody knows what that is;\n"+
			"if a key was revoked since the backup, revoke it again\n", r.out.Unreadable)
		return b.String()
	}
	l := r.out.Lost
	if l == nil {
		return b.String()
	}
	if !l.SameStore {
		b.WriteString("CAREFUL: the backup is of another store than the present one\n")
	}
	few(&b, l.Users, "came since the backup, and lost")
	few(&b, l.Changed, "changed since, and again as before")
	if l.Returned > 0 {
		fmt.Fprintf(&b, "%s deleted since, and there again\n", count(l.Returned, "user"))
	}
	if len(l.Revoked) > 0 {
		fmt.Fprintf(&b, "%s revoked since the backup: that stays so\n", count(len(l.Revoked), "key"))
	}
	return b.String()
}

func few(b *strings.Builder, list []string, what string) {
	const most = 5
	if len(list) == 0 {
		return
	}
	shown, more := list, ""
	if len(list) > most {
		shown, more = list[:most], ", …"
	}
	fmt.Fprintf(b, "%s %s: %s%s\n", count(len(list), "user"), what, strings.Join(shown, ", "), more)
}

func (r *restoring) show() {
	env := r.env
	env.printf("restored into %s\n%s", storePlace(r.config), r.losses())
	if r.out.KeptAs != "" {
		env.printf("the store before is kept as %s: remove it once all is well\n", r.out.KeptAs)
	}
	if r.keepGrants {
		env.printf("everyone who was signed in then is again; each refresh token of then works once\n")
	} else {
		env.printf("everyone has to sign in again\n")
	}
	env.printf("new keys sign, and none of the backup; verifiers that only obey max-age may refuse them until %s\n",
		env.when(r.out.UnknownUntil))
}
