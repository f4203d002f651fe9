package data

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signet/data/kv/mem"
)

// carried is an access token as far as its status goes.
type carried struct {
	slot     Slot
	exp      time.Time
	client   string
	audience string
	grant    *modelGrant // nil: the client's own
	issued   time.Time
	revoked  bool // it must be
	either   bool // it may be as well
}

type modelGrant struct {
	id               GrantID
	user             int
	client, audience string
	created, expires time.Time
	ended            bool
}

// statusModel says which places of which lists must be set, and which not.
type statusModel struct {
	t       *testing.T
	r       *rapid.T
	c       *clock
	engine  *counting
	s       *Store
	ttl     time.Duration
	users   []User
	gone    []bool
	grants  []*modelGrant
	carried []*carried
	given   map[string]*modelGrant // whose a place is; nil: a client's
}

var (
	modelClients   = []string{"web", "cli", "job"}
	modelAudiences = []string{"api", "files"}
)

// What people, clients and the operator do, in any order, through restarts under
// other settings, sweeps and kills: every access token that lives is revoked
// when it must be, and no other.
func TestTheListsFollowTheirModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &statusModel{t: t, r: r, c: newClock(), engine: &counting{Engine: mem.New()}, ttl: 10 * time.Minute, given: map[string]*modelGrant{}}
		m.restart()
		for n := range 2 {
			m.users, m.gone = append(m.users, newUser(t, m.s, fmt.Sprintf("user%d@example.com", n))), append(m.gone, false)
		}
		for _, id := range modelClients {
			must(t, m.s.CreateClient(t.Context(), Client{ID: id}, 0))
		}
		steps := []func(){m.start, m.start, m.turn, m.turn, m.turn, m.own, m.own, m.endOne, m.endUser, m.changeRoles, m.disable, m.deleteUser,
			m.revokeSlot, m.revokeMany, m.revokeMany, m.removeClient, m.pass, m.pass, m.restart, m.sweep}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			rapid.SampledFrom(steps).Draw(r, "step")()
			m.check()
		}
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *statusModel) now() time.Time { return m.c.Now().UTC() }

func (m *statusModel) alive(g *modelGrant) bool {
	return !g.ended && !m.gone[g.user] && m.now().Before(g.expires)
}

// issue notes a token, which must be good, of a place that is nobody else's.
func (m *statusModel) issue(c *carried) {
	c.issued, c.exp = m.now(), m.now().Add(m.ttl)
	at := fmt.Sprint(c.slot.List, c.slot.Index)
	if whose, taken := m.given[at]; taken && (c.grant == nil || whose != c.grant) {
		m.r.Fatalf("a place is given to two")
	}
	m.given[at] = c.grant
	m.carried = append(m.carried, c)
}

// end says that the tokens must be revoked that match says.
func (m *statusModel) end(match func(c *carried) bool) {
	for _, c := range m.carried {
		if m.now().Before(c.exp) && match(c) {
			c.revoked = true
		}
	}
	for _, c := range m.carried { // those that carry the same place die with it
		c.revoked = c.revoked || slices.ContainsFunc(m.carried, func(o *carried) bool {
			return o.revoked && o.slot.List == c.slot.List && o.slot.Index == c.slot.Index
		})
	}
}

func (m *statusModel) endGrants(match func(g *modelGrant) bool) {
	var over []*modelGrant
	for _, g := range m.grants {
		if !g.ended && match(g) {
			g.ended = true
			over = append(over, g)
		}
	}
	m.end(func(c *carried) bool { return c.grant != nil && slices.Contains(over, c.grant) })
}

func (m *statusModel) start() {
	n := rapid.IntRange(0, len(m.users)-1).Draw(m.r, "user")
	client, audience := rapid.SampledFrom(modelClients).Draw(m.r, "client"), rapid.SampledFrom(modelAudiences).Draw(m.r, "audience")
	u, err := m.s.User(m.t.Context(), m.users[n].ID)
	if errors.Is(err, ErrNoUser) || u.Disabled {
		return
	}
	must(m.t, err)
	if _, err := m.s.Client(m.t.Context(), client); err != nil {
		return
	}
	h := hold(m.t, m.s, u, client, audience)
	g := &modelGrant{id: h.grant, user: n, client: client, audience: audience, created: m.now(), expires: m.now().Add(24 * time.Hour)}
	m.grants = append(m.grants, g)
	m.issue(&carried{slot: h.slot, client: client, audience: audience, grant: g})
}

func (m *statusModel) turn() {
	if len(m.grants) == 0 {
		return
	}
	g := rapid.SampledFrom(m.grants).Draw(m.r, "grant")
	slot, alive := turnOf(m.t, m.s, g.id)
	if alive != m.alive(g) {
		m.r.Fatalf("the grant is alive: %t", alive)
	}
	if alive {
		m.issue(&carried{slot: slot, client: g.client, audience: g.audience, grant: g})
	}
}

func (m *statusModel) own() {
	client, audience := rapid.SampledFrom(modelClients).Draw(m.r, "client"), rapid.SampledFrom(modelAudiences).Draw(m.r, "audience")
	slot, err := m.s.DrawClientSlot(m.t.Context(), client, []string{audience})
	if errors.Is(err, ErrNoClient) {
		return
	}
	must(m.t, err)
	m.issue(&carried{slot: slot, client: client, audience: audience})
}

func (m *statusModel) endOne() {
	if len(m.grants) == 0 {
		return
	}
	g := rapid.SampledFrom(m.grants).Draw(m.r, "grant")
	if err := m.s.ChangeGrant(m.t.Context(), g.id, "", func(*Grant, User) Change { return End }); !errors.Is(err, ErrNoGrant) {
		must(m.t, err)
	}
	m.endGrants(func(o *modelGrant) bool { return o == g })
}

// living draws a user who is there.
func (m *statusModel) living() (int, bool) {
	n := rapid.IntRange(0, len(m.users)-1).Draw(m.r, "user")
	return n, !m.gone[n]
}

func (m *statusModel) endUser() {
	n, there := m.living()
	if !there {
		return
	}
	var keep *GrantID
	for _, g := range m.grants {
		if g.user == n && m.alive(g) && rapid.IntRange(0, 1).Draw(m.r, "keep") == 1 {
			keep = &g.id
		}
	}
	must(m.t, m.s.EndUserGrants(m.t.Context(), m.users[n].ID, keep))
	m.endGrants(func(g *modelGrant) bool { return g.user == n && (keep == nil || g.id != *keep) })
}

func (m *statusModel) changeRoles() {
	n, there := m.living()
	if !there {
		return
	}
	role := rapid.SampledFrom([]string{"admin", "editor"}).Draw(m.r, "role")
	before, err := m.s.User(m.t.Context(), m.users[n].ID)
	must(m.t, err)
	_, err = m.s.ChangeUser(m.t.Context(), m.users[n].ID, func(u *User) error { u.Roles = []string{role}; return nil })
	must(m.t, err)
	if !slices.Equal(before.Roles, []string{role}) {
		m.end(func(c *carried) bool { return c.grant != nil && c.grant.user == n })
	}
}

func (m *statusModel) disable() {
	n, there := m.living()
	if !there {
		return
	}
	_, err := m.s.ChangeUser(m.t.Context(), m.users[n].ID, func(u *User) error { u.Disabled = !u.Disabled; return nil })
	must(m.t, err)
	m.endGrants(func(g *modelGrant) bool { return g.user == n }) // none is there when the user is enabled again
}

func (m *statusModel) deleteUser() {
	n, there := m.living()
	if !there || rapid.IntRange(0, 3).Draw(m.r, "really") > 0 {
		return
	}
	must(m.t, m.s.DeleteUser(m.t.Context(), m.users[n].ID))
	m.gone[n] = true
	m.endGrants(func(g *modelGrant) bool { return g.user == n })
}

func (m *statusModel) revokeSlot() {
	if len(m.carried) == 0 {
		return
	}
	c := rapid.SampledFrom(m.carried).Draw(m.r, "token")
	if !m.now().Before(c.exp) {
		return
	}
	var id GrantID
	if c.grant != nil {
		id = c.grant.id
	}
	must(m.t, m.s.RevokeSlot(m.t.Context(), c.slot.List, c.slot.Index, id))
	m.end(func(o *carried) bool { return o == c })
}

// revokeMany begins a revocation, which may be killed after any transaction.
func (m *statusModel) revokeMany() {
	var r Revocation
	switch rapid.IntRange(0, 2).Draw(m.r, "selector") {
	case 0:
		r.Client = rapid.SampledFrom(modelClients).Draw(m.r, "client")
		r.TokensOnly = rapid.Bool().Draw(m.r, "tokens only")
	case 1:
		r.Audience = rapid.SampledFrom(modelAudiences).Draw(m.r, "audience")
	case 2:
		r.Before = m.now().Add(-time.Duration(rapid.IntRange(0, 30).Draw(m.r, "minutes")) * time.Minute)
	}
	number := dump(m.t, m.engine)[revokedKey]
	m.engine.room.Store(int64(rapid.IntRange(0, 3).Draw(m.r, "writes")))
	m.engine.limited.Store(true)
	_, err := m.s.Revoke(m.t.Context(), r, nil)
	m.engine.limited.Store(false)
	if err != nil {
		if !errors.Is(err, errKilled) {
			m.r.Fatal(err)
		}
		m.restart()
		m.sweep()
		if dump(m.t, m.engine)[revokedKey] == number { // it did not even begin
			return
		}
	}
	about := func(client, audience string, at time.Time) bool {
		return r.Client != "" && client == r.Client || r.Audience != "" && audience == r.Audience || !r.Before.IsZero() && at.Before(r.Before)
	}
	if r.Audience == "" && !r.TokensOnly {
		m.endGrants(func(g *modelGrant) bool { return about(g.client, g.audience, g.created) })
	}
	m.end(func(c *carried) bool {
		if c.grant != nil {
			return about(c.client, c.audience, c.grant.created)
		}
		c.either = c.either || !r.Before.IsZero() // its block may be older
		return about(c.client, c.audience, c.issued)
	})
}

func (m *statusModel) removeClient() {
	id := rapid.SampledFrom(modelClients).Draw(m.r, "client")
	err := m.s.DeleteClient(m.t.Context(), id)
	if errors.Is(err, ErrNoClient) {
		must(m.t, m.s.CreateClient(m.t.Context(), Client{ID: id}, 0))
		return
	}
	must(m.t, err)
	m.endGrants(func(g *modelGrant) bool { return g.client == id })
	m.end(func(c *carried) bool { return c.client == id })
}

func (m *statusModel) pass() {
	m.c.Move(time.Duration(rapid.IntRange(0, 40*60).Draw(m.r, "seconds")) * time.Second)
}

func (m *statusModel) restart() {
	if m.s != nil {
		m.ttl = rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, 2 * time.Hour}).Draw(m.r, "ttl")
	}
	s, err := Open(m.t.Context(), m.engine, Options{Now: m.c.Now, Logger: quiet, AccessTTL: m.ttl})
	must(m.t, err)
	m.s = s
}

func (m *statusModel) sweep() {
	for n := 1; n > 0; {
		var err error
		n, err = m.s.Sweep(m.t.Context(), 1000)
		must(m.t, err)
	}
}

// check reads the places of all tokens that live.
func (m *statusModel) check() {
	lists := map[StatusListID][]byte{}
	for _, c := range m.carried {
		if !m.now().Before(c.exp) {
			continue
		}
		if lists[c.slot.List] == nil {
			bits, _, err := m.s.StatusBits(m.t.Context(), c.slot.List)
			must(m.t, err)
			lists[c.slot.List] = bits
		}
		set := lists[c.slot.List][c.slot.Index/8]>>(c.slot.Index%8)&1 == 1
		expired := c.grant != nil && !m.now().Before(c.grant.expires)
		if c.revoked && !set || !c.revoked && set && !expired && !c.either {
			m.r.Fatalf("of client %q, own: %t: set %t, must be %t", c.client, c.grant == nil, set, c.revoked)
		}
	}
	there, err := m.s.StatusLists(m.t.Context())
	must(m.t, err)
	for id := range lists {
		if !slices.ContainsFunc(there, func(l StatusList) bool { return l.ID == id }) {
			m.r.Fatal("a list is gone before its tokens")
		}
	}
}
