package livetest

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"signet/data"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/keys"
	"signet/resource/token"
)

// Start makes a grant of the person for a client, after edit has changed what
// it is for. The grant has a refresh token.
func (w *World) Start(client, scope string, edit ...func(*grant.StartRequest)) grant.Issued {
	w.T.Helper()
	r := grant.StartRequest{User: w.User, Client: client, Scope: scope, Audience: []string{"api"},
		AuthTime: w.Clock.Now().Add(-time.Minute), AMR: []string{"pwd"}}
	for _, e := range edit {
		e(&r)
	}
	issued, err := w.Grants.Start(context.Background(), r)
	must(err)
	return issued
}

// Asking is the claims parameter of a grant.
func Asking(parameter string) func(*grant.StartRequest) {
	return func(r *grant.StartRequest) { r.Authorization.Claims = parameter }
}

// Token makes an access token of a grant, as the token endpoint does, after
// edit has changed it.
func (w *World) Token(issued grant.Issued, edit ...func(*mint.Access)) string {
	w.T.Helper()
	g := issued.Grant
	a := mint.Access{Subject: w.subject(g.Client), ClientID: g.Client, Scope: g.Scope, Roles: issued.User.Roles, SID: g.ID.String(),
		AuthTime: g.AuthTime, AMR: g.AMR, ACR: g.ACR, Status: w.Mint.Status(issued.Slot())}
	for _, e := range edit {
		e(&a)
	}
	return w.Sign(g.Audience, a)
}

// For makes an access token of the person for a client, of a new grant.
func (w *World) For(client, scope string, edit ...func(*mint.Access)) string {
	w.T.Helper()
	return w.Token(w.Start(client, scope), edit...)
}

// Own makes a client's own access token.
func (w *World) Own(client, scope string) string {
	w.T.Helper()
	return w.Sign([]string{"api"}, mint.Access{Subject: client, ClientID: client, Scope: scope})
}

// Exchanged makes the access token that a client got for one of the grant's.
func (w *World) Exchanged(issued grant.Issued, by, scope string) string {
	w.T.Helper()
	return w.Token(issued, func(a *mint.Access) {
		a.ClientID, a.Scope, a.Subject = by, scope, w.subject(by)
		a.Actor = &token.Actor{Subject: by, ClientID: by}
	})
}

// Bound binds a token to a key.
func Bound(jkt string) func(*mint.Access) { return func(a *mint.Access) { a.JKT = jkt } }

// subject is the person as the client knows them.
func (w *World) subject(id string) string {
	c, err := w.Clients.Find(context.Background(), id)
	if err != nil {
		return string(w.User.ID)
	}
	return w.Clients.Subject(c, w.User.ID)
}

// Sign makes an access token.
func (w *World) Sign(audience []string, a mint.Access) string {
	w.T.Helper()
	p, err := w.Mint.Profiles(audience)
	must(err)
	if a.Status == (token.StatusRef{}) {
		slot, err := w.Store.DrawSlot(context.Background())
		must(err)
		a.Status = w.Mint.Status(slot)
	}
	checked, err := w.Mint.Access(p, a)
	must(err)
	signed, err := w.Mint.Sign(checked)
	must(err)
	return signed.Value
}

// Raw signs any claims as any type of token, with our own key.
func (w *World) Raw(typ string, claims map[string]any) string {
	w.T.Helper()
	signer, err := w.Ring.Snapshot().Signer(keys.Alg(token.ES256))
	must(err)
	payload, err := json.Marshal(claims)
	must(err)
	raw, err := signer.Sign(typ, payload, time.Minute)
	must(err)
	return raw
}

// Claims are those of a good token of the web app's own, to be changed.
func (w *World) Claims() map[string]any {
	w.T.Helper()
	now := w.Clock.Now()
	slot, err := w.Store.DrawSlot(context.Background())
	must(err)
	status := w.Mint.Status(slot)
	return map[string]any{"iss": Issuer, "sub": "web", "aud": []string{"api"}, "client_id": "web",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": "j",
		"status": map[string]any{"status_list": map[string]any{"idx": status.Index, "uri": status.URI}}}
}

// ChangeUser changes the person.
func (w *World) ChangeUser(change func(*data.User)) {
	w.T.Helper()
	u, err := w.Store.ChangeUser(context.Background(), w.User.ID, func(u *data.User) error { change(u); return nil })
	must(err)
	w.User = u
}
