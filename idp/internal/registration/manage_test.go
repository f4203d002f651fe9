package registration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"signet/data"
	"signet/idp/internal/config"
	"signet/idp/internal/wire"
)

func (a answer) path() string { return strings.TrimPrefix(a.text("registration_client_uri"), issuer) }

// RFC 7592, section 2.1: a client reads what it registered.
func TestRFC7592Section21(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a := w.register(t, "", webapp)
	token := a.text("registration_access_token")
	b := w.send(t, http.MethodGet, a.path(), token, "")
	if b.status != http.StatusOK || b.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", b.status, b.body)
	}
	for name := range a.body {
		if strings.HasPrefix(name, "client_secret") {
			continue
		}
		if fmt.Sprint(a.body[name]) != fmt.Sprint(b.body[name]) {
			t.Errorf("%s was %v and is %v", name, a.body[name], b.body[name])
		}
	}
	if b.body["client_secret"] != nil {
		t.Error("the secret is shown again")
	}
}

// RFC 7592, section 2.1, and RFC 6750, section 3.1: what is not the client's
// token is nobody's.
func TestOnlyTheRightTokenOpensAClient(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a, b := w.register(t, "", webapp), w.register(t, "", webapp)
	if err := w.store.CreateClient(t.Context(), data.Client{ID: "stored"}, 0); err != nil {
		t.Fatal(err)
	}
	token := a.text("registration_access_token")
	for name, tt := range map[string]struct{ path, token string }{
		"no token":               {a.path(), ""},
		"another client's token": {a.path(), b.text("registration_access_token")},
		"its secret":             {a.path(), a.text("client_secret")},
		"an initial token":       {a.path(), w.initialToken(t, 1)},
		"no such client":         {Path + "/nobody", token},
		"a configured client":    {Path + "/configured", token},
		"a client of a command":  {Path + "/stored", token},
		"a metadata document":    {Path + "/https:%2F%2Fclient.example.com%2Fa", token},
		"a part of the token":    {a.path(), token[:len(token)-1]},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			body := ""
			if method == http.MethodPut {
				body = webapp
			}
			c := w.send(t, method, tt.path, tt.token, body)
			if c.status != http.StatusUnauthorized || c.text("error") != wire.CodeInvalidToken {
				t.Errorf("%s, %s: %d %v", name, method, c.status, c.body)
			}
		}
	}
	if c := w.send(t, http.MethodGet, a.path(), token, ""); c.status != http.StatusOK {
		t.Errorf("the right one: %d", c.status)
	}
}

func update(id, more string) string {
	return fmt.Sprintf(`{"client_id": %q, "redirect_uris": ["https://b.example/cb"]%s}`, id, more)
}

// RFC 7592, section 2.2: an update replaces all that the client said.
func TestRFC7592Section22(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a := w.register(t, "", webapp)
	id, token := a.text("client_id"), a.text("registration_access_token")
	b := w.send(t, http.MethodPut, a.path(), token, update(id, fmt.Sprintf(`, "client_secret": %q, "client_name": null`, a.text("client_secret"))))
	if b.status != http.StatusOK || b.list("redirect_uris") != "https://b.example/cb" || b.body["client_name"] != nil || b.body["client_name#de"] != nil || b.body["client_secret"] != nil {
		t.Fatalf("%d %v", b.status, b.body)
	}
	if b.text("registration_access_token") != token || b.text("client_id") != id || b.body["client_id_issued_at"] != a.body["client_id_issued_at"] {
		t.Errorf("%v", b.body)
	}
	for name, body := range map[string]string{
		"another client_id":                update("other", ""),
		"no client_id":                     webapp,
		"a secret of its own choice":       update(id, `, "client_secret": "chosen-by-the-client-itself-0123456789"`),
		"a secret that is no text":         update(id, `, "client_secret": 1`),
		"the registration_access_token":    update(id, `, "registration_access_token": "x"`),
		"the registration_client_uri":      update(id, `, "registration_client_uri": "x"`),
		"client_secret_expires_at":         update(id, `, "client_secret_expires_at": 0`),
		"client_id_issued_at":              update(id, `, "client_id_issued_at": 0`),
		"what a registration would refuse": update(id, `, "token_endpoint_auth_method": "private_key_jwt"`),
		"a software statement":             update(id, `, "software_statement": "a.b.c"`),
	} {
		c := w.send(t, http.MethodPut, a.path(), token, body)
		if c.status != http.StatusBadRequest || c.text("error") == "" {
			t.Errorf("%s: %d %v", name, c.status, c.body)
		}
	}
	if c := w.send(t, http.MethodGet, a.path(), token, ""); c.list("redirect_uris") != "https://b.example/cb" {
		t.Errorf("after what was refused: %v", c.body)
	}
}

func TestAnUpdateNeverGivesWhatOnlyTheOperatorMay(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a := w.register(t, "", webapp)
	b := w.send(t, http.MethodPut, a.path(), a.text("registration_access_token"),
		update(a.text("client_id"), `, "grant_types": ["authorization_code", "client_credentials"], "first_party": true`))
	c, err := w.clients.Find(t.Context(), a.text("client_id"))
	if err != nil || b.list("grant_types") != "authorization_code" || c.FirstParty || c.HasGrant(wire.GrantClientCredentials) {
		t.Errorf("%v %+v %v", b.body, c, err)
	}
}

func TestAClientThatTurnsPublicLosesItsSecretAndBack(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a := w.register(t, "", webapp)
	id, token := a.text("client_id"), a.text("registration_access_token")
	b := w.send(t, http.MethodPut, a.path(), token, update(id, `, "token_endpoint_auth_method": "none"`))
	if b.status != http.StatusOK || b.body["client_secret"] != nil {
		t.Errorf("%d %v", b.status, b.body)
	}
	c := w.send(t, http.MethodPut, a.path(), token, update(id, ""))
	if c.status != http.StatusOK || c.text("client_secret") == "" || c.text("client_secret") == a.text("client_secret") || c.body["client_secret_expires_at"] != 0.0 {
		t.Errorf("%d %v", c.status, c.body)
	}
}

// RFC 7592, section 2.3: a client removes itself.
func TestRFC7592Section23(t *testing.T) {
	w := newWorld(t, config.ClientRegistrationOpen)
	a := w.register(t, "", webapp)
	token := a.text("registration_access_token")
	if b := w.send(t, http.MethodDelete, a.path(), token, ""); b.status != http.StatusNoContent || b.body != nil {
		t.Errorf("%d %v", b.status, b.body)
	}
	if _, err := w.clients.Find(t.Context(), a.text("client_id")); err == nil {
		t.Error("it is still there")
	}
	if b := w.send(t, http.MethodGet, a.path(), token, ""); b.status != http.StatusUnauthorized {
		t.Errorf("afterwards: %d", b.status)
	}
}
