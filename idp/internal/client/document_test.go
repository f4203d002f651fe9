package client

import (
	"context"
	"errors"
	"testing"

	"github.com/go-json-experiment/json"

	"signet/data"
	"signet/idp/internal/fetch"
	"signet/idp/internal/wire"
)

const documentID = "https://client.example.com/oauth/metadata.json"

func documentOf(t *testing.T, change func(members)) string {
	t.Helper()
	d := members{"client_id": documentID, "client_name": "A client", "redirect_uris": []string{"https://client.example.com/cb", "http://127.0.0.1/cb"}}
	if change != nil {
		change(d)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// draft-ietf-oauth-client-id-metadata-document, sections 3 and 4.
func TestClientIDMetadataDocuments(t *testing.T) {
	set := func(name string, value any) func(members) {
		return func(d members) {
			if d[name] = value; value == nil {
				delete(d, name)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(members)
		good   bool
	}{
		{"a public client", nil, true},
		{"one with keys", func(d members) {
			d["token_endpoint_auth_method"], d["jwks_uri"] = wire.AuthPrivateKeyJWT, "https://client.example.com/jwks"
		}, true},
		{"grant types that it cannot have", set("grant_types", []string{"authorization_code", "client_credentials", "password"}), true},
		{"scopes that we do not have", set("scope", "openid mcp:tools"), true},
		{"members that we do not know", set("x", 1), true},

		{"another client_id", set("client_id", documentID+"?"), false},
		{"a client_id that is nearly the same", set("client_id", "https://CLIENT.example.com/oauth/metadata.json"), false},
		{"no client_id", set("client_id", nil), false},
		{"a client_id that is no text", set("client_id", 1), false},
		{"a secret", set("client_secret", "x"), false},
		{"the end of a secret", set("client_secret_expires_at", 0), false},
		{"a method with a secret", set("token_endpoint_auth_method", wire.AuthClientSecretBasic), false},
		{"a method with a secret as a key", set("token_endpoint_auth_method", wire.AuthClientSecretJWT), false},
		{"private_key_jwt without keys", set("token_endpoint_auth_method", wire.AuthPrivateKeyJWT), false},
		{"no redirect URIs", set("redirect_uris", nil), false},
		{"a redirect URI that is a script", set("redirect_uris", []string{"javascript:x"}), false},
	} {
		f := newFixture(t, "client_documents: [client.example.com]\n")
		f.put(documentID, documentOf(t, tt.change))
		c, err := f.Find(t.Context(), documentID)
		if tt.good != (err == nil) || err != nil && (!errors.Is(err, ErrDocument) || !errors.Is(err, ErrUnknown)) {
			t.Errorf("%s: %v, %v", tt.name, c, err)
			continue
		}
		if err != nil {
			continue
		}
		if c.ID != documentID || c.Source != Document || c.Host() != "client.example.com" || c.HasGrant(wire.GrantClientCredentials) ||
			c.FirstParty || c.Introspect || len(c.ResponseTypes) != 1 {
			t.Errorf("%s: %+v", tt.name, c)
		}
		if !c.HasRedirect("http://127.0.0.1:4711/cb") || c.Exclusive("http://127.0.0.1:4711/cb") || !c.Exclusive("https://client.example.com/cb") {
			t.Errorf("%s: redirect URIs", tt.name)
		}
	}
}

func TestTheURLOfADocumentIsPlain(t *testing.T) {
	f := newFixture(t, "client_documents: ['*']\n")
	for id, good := range map[string]bool{
		"https://client.example.com/a":         true,
		"https://client.example.com/a?b=c":     true,
		"https://client.example.com:8443/a":    true,
		"https://client.example.com":           false,
		"https://client.example.com/":          false,
		"https://client.example.com/a#b":       false,
		"https://client.example.com/a#":        false,
		"https://me@client.example.com/a":      false,
		"https://client.example.com/a/../b":    false,
		"https://client.example.com/./a":       false,
		"https://client.example.com/%2e%2e/a":  false,
		"https://Client.example.com/a":         false,
		"http://client.example.com/a":          false,
		"https:///a":                           false,
		"https://client.example.com/a b":       false,
		"https://client.example.com/\u00e9":    false,
		"HTTPS://client.example.com/a":         false,
		"https://client.example.com/a\r\nb: c": false,
	} {
		f.put(id, documentOf(t, func(d members) { d["client_id"] = id }))
		if _, err := f.Find(t.Context(), id); (err == nil) != good || err != nil && !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", id, err)
		}
		if fetched := len(f.fetched()); (fetched > 0) != good {
			t.Errorf("%q: fetched %v", id, f.fetched())
		}
		f.mu.Lock()
		f.got = nil
		f.mu.Unlock()
	}
}

func TestDocumentsOfOtherHostsAreNotFetched(t *testing.T) {
	for _, file := range []string{"", "client_documents: [other.example.com]\n", "client_documents: [example.com]\n", "client_documents: ['client.example.com:8443']\n"} {
		f := newFixture(t, file)
		f.put(documentID, documentOf(t, nil))
		if c, err := f.Find(t.Context(), documentID); !errors.Is(err, ErrUnknown) || len(f.fetched()) > 0 {
			t.Errorf("%q: %v, %v; fetched %v", file, c, err, f.fetched())
		}
	}
}

func TestADocumentsClientAuthenticatesWithItsKeysOrNotAtAll(t *testing.T) {
	f := newFixture(t, "client_documents: [client.example.com]\n")
	f.put(documentID, documentOf(t, nil))
	if c, err := f.authenticate(t, "", "", "client_id", documentID); err != nil || !c.Public() {
		t.Errorf("got %v, %v", c, err)
	}
	if _, err := f.authenticate(t, documentID, ""); err == nil {
		t.Error("it authenticated with an empty secret")
	}
	const keyed = documentID + "?keyed"
	f.put(keyed, documentOf(t, func(d members) {
		d["client_id"], d["token_endpoint_auth_method"], d["jwks_uri"] = keyed, wire.AuthPrivateKeyJWT, "https://client.example.com/jwks"
	}))
	if _, err := f.authenticate(t, "", "", "client_id", keyed); err == nil {
		t.Error("it said who it is, and was believed")
	}
}

// Section 5.2: a document that cannot be used is asked for again.
func TestADocumentThatWasMendedIsReadAgain(t *testing.T) {
	f := newFixture(t, "client_documents: [client.example.com]\n")
	f.put(documentID, `{"client_id": "https://client.example.com/other"}`)
	if _, err := f.Find(t.Context(), documentID); err == nil {
		t.Fatal("accepted")
	}
	f.put(documentID, documentOf(t, nil))
	if _, err := f.Find(t.Context(), documentID); err != nil {
		t.Errorf("after it was mended: %v", err)
	}
	before := len(f.fetched())
	if _, err := f.Find(t.Context(), documentID); err != nil || len(f.fetched()) != before+1 {
		t.Errorf("a good one: %v, fetched %v", err, f.fetched()[before:])
	}
}

// stuck is a fetcher whose room is full.
type stuck struct{ Fetcher }

func (stuck) Get(context.Context, string, string, bool) (fetch.Document, error) {
	return fetch.Document{}, errors.New("no room")
}

// What strangers make us fetch to find out who they are takes no room from the
// keys of clients that are known, nor the other way round.
func TestDocumentsHaveAFetcherOfTheirOwn(t *testing.T) {
	f := newFixture(t, "client_documents: [client.example.com]\n")
	f.put(documentID, documentOf(t, func(members) {}))
	r, err := New(t.Context(), Options{Config: f.config, Store: f.store, Secret: f.o.Secret, Fetch: stuck{f}, Documents: f, Now: f.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Find(t.Context(), documentID); err != nil {
		t.Errorf("a document waits for the room of keys: %v", err)
	}
	c := &Client{Client: data.Client{Metadata: data.Metadata{JWKSURI: "https://client.example.com/keys"}}}
	if _, err := r.Keys(t.Context(), c, false); err == nil {
		t.Error("keys are fetched in the room of documents")
	}
}
