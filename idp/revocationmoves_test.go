package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signet/data"
	"signet/keys"
	"signet/resource/token"
)

// move is something that can happen. who chooses among those to whom it can;
// where there is nobody, nothing happens.
type move struct {
	name string
	do   func(m *market, who int)
}

var moves = []move{
	{"somebody logs in", (*market).login},
	{"somebody logs in", (*market).login},
	{"a refresh", (*market).refresh},
	{"a refresh", (*market).refresh},
	{"a client's own token", (*market).ownToken},
	{"an exchange", (*market).exchange},
	{"an exchange", (*market).exchange},
	{"a registration", func(m *market, _ int) { m.register() }},
	{"a logout with a refresh token", (*market).logout},
	{"a logout with an access token", (*market).logoutBearer},
	{"an access token is given back", (*market).giveBack},
	{"an access token is given back", (*market).giveBack},
	{"a refresh token comes back too late", (*market).reuse},
	{"another password", (*market).changePassword},
	{"the operator signs somebody out", (*market).signOut},
	{"the operator changes a role", (*market).changeRoles},
	{"the operator disables or enables somebody", (*market).disable},
	{"the operator removes somebody", (*market).remove},
	{"the operator revokes a client's", (*market).revokeClient},
	{"the operator revokes an audience's", (*market).revokeAudience},
	{"a rotation", (*market).rotate},
	{"a key is revoked", (*market).revokeKey},
	{"the issuer is stopped and started", (*market).restart},
}

// pick chooses one of those for whom it holds, or the zero value.
func pick[T any](list []T, who int, holds func(T) bool) (one T) {
	var some []T
	for _, v := range list {
		if holds(v) {
			some = append(some, v)
		}
	}
	if len(some) > 0 {
		one = some[who%len(some)]
	}
	return one
}

// ask sends a request, JSON unless there is a form, and fails unless the answer
// has the status.
func (m *market) ask(method, path, access string, form url.Values, body any, want int) map[string]any {
	mediaType, text := "application/x-www-form-urlencoded", form.Encode()
	if form == nil {
		raw, err := json.Marshal(body)
		fine(err)
		mediaType, text = "application/json", string(raw)
	}
	r, err := http.NewRequestWithContext(m.ctx, method, bubbleURL+path, strings.NewReader(text))
	fine(err)
	r.Header.Set("Content-Type", mediaType)
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	if form != nil {
		r.SetBasicAuth("api", secretText)
	}
	response, err := m.client.Do(r)
	fine(err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	fine(err)
	if response.StatusCode != want {
		fail("%s %s: %d %s, want %d", method, path, response.StatusCode, raw, want)
	}
	var values map[string]any
	if len(raw) > 0 {
		fine(json.Unmarshal(raw, &values))
	}
	return values
}

func (m *market) register() {
	m.serial++
	h := &human{email: fmt.Sprintf("h%d@example.com", m.serial), password: password}
	h.id = m.ask(http.MethodPost, "/register", "", nil, map[string]string{"email": h.email, "password": h.password}, http.StatusCreated)["id"].(string)
	m.people = append(m.people, h)
}

// strike adds the access token of an answer to the model. No two grants ever
// share an index.
func (m *market) strike(answer map[string]any, f *family) {
	raw, _ := answer["access_token"].(string)
	compact, err := token.ParseCompact(raw)
	fine(err)
	claims, err := token.ParseClaims(compact.Payload)
	fine(err)
	c := &coin{raw: raw, family: f, client: claims.ClientID, ref: claims.Status.List, kid: compact.Header.KID, end: claims.Expiry.Time(), made: time.Now()}
	for _, other := range m.coins {
		if other.ref == c.ref && (other.family != f || f == nil) {
			fail("two grants, or two tokens without one, share the index %v", c.ref)
		}
	}
	m.coins = append(m.coins, c)
}

// kill revokes tokens in the model.
func (m *market) kill(byKey bool, which func(*coin) bool) {
	for _, c := range m.coins {
		if c.dead.IsZero() && which(c) {
			c.dead, c.byKey = time.Now(), byKey
		}
	}
}

// end ends grants in the model.
func (m *market) end(which func(*family) bool) {
	for _, f := range m.families {
		if !f.over && which(f) {
			f.over = true
			m.kill(false, func(c *coin) bool { return c.family == f })
		}
	}
}

func active(h *human) bool   { return !h.disabled && !h.gone }
func present(h *human) bool  { return !h.gone }
func lives(f *family) bool   { return !f.over }
func anyFamily(*family) bool { return true }

// shown is a good token of a person's own, of a living grant.
func (m *market) shown(who int) *coin {
	return pick(m.coins, who, func(c *coin) bool { return c.client == "signet" && c.good(time.Now()) })
}

func (m *market) login(who int) {
	h := pick(m.people, who, active)
	if h == nil {
		return
	}
	answer := m.ask(http.MethodPost, "/login", "", nil, map[string]string{"email": h.email, "password": h.password}, http.StatusOK)
	f := &family{person: h, refresh: []string{answer["refresh_token"].(string)}}
	m.families = append(m.families, f)
	m.strike(answer, f)
}

// refresh is also tried with what is over.
func (m *market) refresh(who int) {
	if f := pick(m.families, who, anyFamily); f != nil {
		m.turn(f)
	}
}

func (m *market) turn(f *family) {
	body := map[string]string{"refresh_token": f.refresh[len(f.refresh)-1]}
	if f.over {
		m.ask(http.MethodPost, "/refresh", "", nil, body, http.StatusUnauthorized)
		return
	}
	answer := m.ask(http.MethodPost, "/refresh", "", nil, body, http.StatusOK)
	f.refresh = append(f.refresh, answer["refresh_token"].(string))
	m.strike(answer, f)
}

// reuse presents a refresh token that was spent twice over.
func (m *market) reuse(who int) {
	f := pick(m.families, who, func(f *family) bool { return !f.over && len(f.refresh) > 2 })
	if f == nil {
		return
	}
	m.ask(http.MethodPost, "/refresh", "", nil, map[string]string{"refresh_token": f.refresh[len(f.refresh)-3]}, http.StatusUnauthorized)
	m.end(func(other *family) bool { return other == f })
}

func (m *market) ownToken(int) {
	m.strike(m.ask(http.MethodPost, "/oauth2/token", "", url.Values{"grant_type": {"client_credentials"}}, nil, http.StatusOK), nil)
}

func (m *market) exchange(who int) {
	c := m.shown(who)
	if c == nil {
		return
	}
	m.strike(m.ask(http.MethodPost, "/oauth2/token", "", url.Values{
		"grant_type": {exchangeGrant}, "subject_token": {c.raw}, "subject_token_type": {typeAccess},
	}, nil, http.StatusOK), c.family)
}

func (m *market) logout(who int) {
	f := pick(m.families, who, lives)
	if f == nil {
		return
	}
	m.ask(http.MethodPost, "/logout", "", nil, map[string]string{"refresh_token": f.refresh[len(f.refresh)-1]}, http.StatusNoContent)
	m.end(func(other *family) bool { return other == f })
}

func (m *market) logoutBearer(who int) {
	c := m.shown(who)
	if c == nil {
		return
	}
	m.ask(http.MethodDelete, "/logout", c.raw, nil, nil, http.StatusNoContent)
	m.end(func(f *family) bool { return f == c.family })
}

// giveBack is RFC 7009 on an access token: all that carry its index die with
// it, and its grant goes on with the next refresh.
func (m *market) giveBack(who int) {
	c := pick(m.coins, who, func(c *coin) bool {
		return c.client == "api" && c.good(time.Now()) && (c.family == nil) == (who%2 == 0)
	})
	if c == nil {
		return
	}
	m.ask(http.MethodPost, "/oauth2/revoke", "", url.Values{"token": {c.raw}}, nil, http.StatusOK)
	m.kill(false, func(other *coin) bool { return other.ref == c.ref })
	if c.family != nil {
		m.turn(c.family)
	}
}

// changePassword ends every other grant of the person.
func (m *market) changePassword(who int) {
	c := m.shown(who)
	if c == nil {
		return
	}
	h := c.family.person
	m.serial++
	next := fmt.Sprint(password, m.serial)
	m.ask(http.MethodPost, "/me/password", c.raw, nil, map[string]string{"current": h.password, "new": next}, http.StatusNoContent)
	h.password = next
	m.end(func(f *family) bool { return f.person == h && f != c.family })
}

func (m *market) signOut(who int) {
	if h := pick(m.people, who, present); h != nil {
		fine(m.b.house.store.EndUserGrants(m.ctx, data.UserID(h.id), nil))
		m.end(func(f *family) bool { return f.person == h })
	}
}

// changeRoles lets the grants go on; their tokens say what no longer holds.
func (m *market) changeRoles(who int) {
	h := pick(m.people, who, present)
	if h == nil {
		return
	}
	h.admin = !h.admin
	_, err := m.b.house.store.ChangeUser(m.ctx, data.UserID(h.id), func(u *data.User) error {
		if u.Roles = nil; h.admin {
			u.Roles = []string{"admin"}
		}
		return nil
	})
	fine(err)
	m.kill(false, func(c *coin) bool { return c.family != nil && c.family.person == h })
}

func (m *market) disable(who int) {
	h := pick(m.people, who, present)
	if h == nil {
		return
	}
	h.disabled = !h.disabled
	_, err := m.b.house.store.ChangeUser(m.ctx, data.UserID(h.id), func(u *data.User) error { u.Disabled = h.disabled; return nil })
	fine(err)
	if h.disabled {
		m.end(func(f *family) bool { return f.person == h })
	}
}

func (m *market) remove(who int) {
	if h := pick(m.people, who, present); h != nil {
		fine(m.b.house.store.DeleteUser(m.ctx, data.UserID(h.id)))
		h.gone = true
		m.end(func(f *family) bool { return f.person == h })
	}
}

// revokeClient ends what a client holds: its grants, and its own tokens.
func (m *market) revokeClient(who int) {
	id := []string{"signet", "api"}[who%2]
	_, err := m.b.house.store.Revoke(m.ctx, data.Revocation{Client: id, Reason: "a test"}, nil)
	fine(err)
	if id == "api" {
		m.kill(false, func(c *coin) bool { return c.family == nil })
		return
	}
	m.end(anyFamily)
}

// revokeAudience revokes all tokens, since they are all for the one, and lets
// the grants go on.
func (m *market) revokeAudience(int) {
	_, err := m.b.house.store.Revoke(m.ctx, data.Revocation{Audience: "api", Exchanged: true, Reason: "a test"}, nil)
	fine(err)
	m.kill(false, func(*coin) bool { return true })
}

// rotate is refused while the next key is not ready.
func (m *market) rotate(int) {
	_, err := m.b.house.ring.Rotate(m.ctx, token.ES256, false)
	var early *keys.NotReadyError
	if !errors.As(err, &early) {
		fine(err)
	}
}

func (m *market) revokeKey(who int) {
	c := pick(m.coins, who, func(c *coin) bool { return c.good(time.Now()) })
	if c == nil {
		return
	}
	_, err := m.b.house.ring.Revoke(m.ctx, c.kid, "a test")
	fine(err)
	m.kill(true, func(other *coin) bool { return other.kid == c.kid })
}

func (m *market) restart(int) {
	fine(m.b.end())
	fine(m.b.start(m.ctx))
}
