package interact

import (
	"errors"
	"slices"
	"strings"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/pages"
)

// holding is what a client has of the person.
type holding struct {
	pages.App
	scopes []string
	claims []string // that it asked for by name
}

// holdings are by client.
type holdings map[string]*holding

func (h holdings) of(id, scope string) *holding {
	if h[id] == nil {
		h[id] = &holding{App: pages.App{ID: id}}
	}
	h[id].scopes = append(h[id].scopes, strings.Fields(scope)...)
	return h[id]
}

// apps are the clients that hold a grant of the person, or may have one
// without asking.
func (v *visit) apps(user data.UserID) ([]pages.App, error) {
	all := holdings{}
	if err := v.addGrants(all, user); err != nil {
		return nil, err
	}
	consents, err := v.Store.Consents(v.ctx(), user)
	if err != nil {
		return nil, err
	}
	for _, c := range consents {
		h := all.of(c.Client, c.Scope)
		if h.claims = c.Claims; h.GrantedAt.IsZero() {
			h.GrantedAt = c.At
		}
	}
	list := make([]pages.App, 0, len(all))
	for id, h := range all {
		if h.Client, err = v.holder(id); err != nil {
			return nil, err
		}
		h.Permissions = v.permissions(strings.Join(h.scopes, " "), h.claims)
		list = append(list, h.App)
	}
	slices.SortFunc(list, func(a, b pages.App) int {
		return strings.Compare(strings.ToLower(a.Client.Title())+a.ID, strings.ToLower(b.Client.Title())+b.ID)
	})
	return list, nil
}

// addGrants adds what the living grants of the user hold.
func (v *visit) addGrants(all holdings, user data.UserID) error {
	const page = 500
	var after data.GrantID
	for {
		grants, err := v.Store.UserGrants(v.ctx(), user, after, page)
		if err != nil {
			return err
		}
		for _, g := range grants {
			after = g.ID
			h := all.of(g.Client, g.Scope)
			if h.GrantedAt.IsZero() || g.CreatedAt.Before(h.GrantedAt) {
				h.GrantedAt = g.CreatedAt
			}
			if g.TurnedAt.After(h.UsedAt) {
				h.UsedAt = g.TurnedAt
			}
		}
		if len(grants) < page {
			return nil
		}
	}
}

// holder is a client in the list. One with a document is not looked up: its
// server need not answer for this page to be shown.
func (v *visit) holder(id string) (pages.Client, error) {
	if id == metadata.FirstParty {
		return pages.Client{Name: v.brand}, nil
	}
	if strings.HasPrefix(id, "https://") {
		return pages.Client{Host: host(id)}, nil
	}
	c, err := v.Clients.Find(v.ctx(), id)
	if errors.Is(err, client.ErrUnknown) {
		return pages.Client{Name: id}, nil // it was removed, and its grants were not yet
	}
	if err != nil {
		return pages.Client{}, err
	}
	return v.shown(c, ""), nil
}
