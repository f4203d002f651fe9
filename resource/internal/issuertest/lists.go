package issuertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"signet/resource/token"
)

// ListsPath is where an Issuer says which status lists it has. Each is below.
const ListsPath = "/oauth2/status_lists"

// TypList is the media type of a Status List Token.
const typList = "application/statuslist+jwt"

// list is one status list, as it is published.
type list struct {
	bits    []byte
	body    string
	version int
	secret  bool // not announced
}

// OpenList publishes a status list, announces it unless secret, and returns its
// URI. From the first one on, the metadata names the place of all.
func (i *Issuer) OpenList(id string, places int, secret bool) (uri string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.listsNamed = true
	i.lists[id] = &list{bits: make([]byte, (places+7)/8), secret: secret}
	i.sign(id)
	return i.listURI(id)
}

// CloseList takes a list away: its URI is 404 and nothing announces it.
func (i *Issuer) CloseList(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.lists, id)
	i.tell()
}

// Revoke sets the bits of these places.
func (i *Issuer) Revoke(id string, places ...int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, n := range places {
		i.lists[id].bits[n/8] |= 1 << (n % 8)
	}
	i.sign(id)
}

// PutList publishes body in place of a list, whatever it is.
func (i *Issuer) PutList(id, body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.put(id, body)
}

// List is what the list says now.
func (i *Issuer) List(id string) token.StatusList {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.list(id)
}

func (i *Issuer) list(id string) token.StatusList {
	now := time.Now()
	return token.StatusList{
		Issuer: i.URL, Subject: i.listURI(id), IssuedAt: token.At(now), Expiry: token.At(now.Add(24 * time.Hour)),
		TTL: 60, Bits: append([]byte{}, i.lists[id].bits...), Aggregation: i.URL + ListsPath,
	}
}

// ListHeader is the header of a list that every verifier accepts.
func (i *Issuer) ListHeader() map[string]any {
	h := i.Header()
	h["typ"] = token.TypStatusList
	return h
}

// At names a place in a list, in a token's claims.
func At(uri string, index int) func(*token.Claims) {
	return func(c *token.Claims) { c.Status.List = token.StatusRef{URI: uri, Index: uint32(index)} }
}

func (i *Issuer) listURI(id string) string { return i.URL + ListsPath + "/" + id }

// sign publishes what the list says now; the lock is held.
func (i *Issuer) sign(id string) {
	payload, err := i.list(id).Marshal()
	if err != nil {
		i.t.Error(err)
	}
	i.put(id, Sign(i.t, i.key, i.ListHeader(), payload))
}

func (i *Issuer) put(id, body string) {
	i.lists[id].body = body
	i.version++
	i.lists[id].version = i.version
	i.tell()
}

// tell wakes all who wait; the lock is held.
func (i *Issuer) tell() {
	close(i.changed)
	i.changed = make(chan struct{})
}

func (i *Issuer) serveLists(w http.ResponseWriter, r *http.Request, k Knobs) {
	id, ok := strings.CutPrefix(r.URL.Path, ListsPath+"/")
	if !ok {
		i.serveAnnouncement(w, k)
		return
	}
	i.serve(w, r, k, typList, func() ([]byte, string) {
		l := i.lists[id]
		if l == nil {
			return nil, ""
		}
		return []byte(l.body), fmt.Sprintf(`"%s-%d"`, id, l.version)
	})
}

func (i *Issuer) serveAnnouncement(w http.ResponseWriter, k Knobs) {
	uris := []string{}
	i.mu.Lock()
	for id, l := range i.lists {
		if !l.secret {
			uris = append(uris, i.listURI(id))
		}
	}
	i.mu.Unlock()
	w.Header().Set("Cache-Control", k.cacheControl())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status_lists": append(uris, k.AlsoListed...)})
}
