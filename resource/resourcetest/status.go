package resourcetest

import (
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// An issuer of a test has one status list (Token Status List, section 4), and
// every token a place in it.
const (
	listName = "tokens"
	places   = 1 << 17

	revokedPlace = 0 // of a token that was revoked before anybody could ask
	probePlace   = 1 // of those that ask what a Verifier has seen
	firstPlace   = 2
)

// statusList is the list; its lock is the Issuer's.
type statusList struct {
	uri     string
	bits    []byte
	next    uint32 // the place of the next token
	revoked uint32 // the place that was revoked last
}

func (i *Issuer) openList() {
	i.list = statusList{uri: i.inner.OpenList(listName, places, false), bits: make([]byte, places/8), next: firstPlace}
	i.mark(revokedPlace)
	i.publishList()
}

// at names a place in the list.
func (i *Issuer) at(place uint32) TokenOption {
	return Claim("status", token.Status{List: token.StatusRef{URI: i.list.uri, Index: place}})
}

// drawPlace returns a place that no other token has.
func (i *Issuer) drawPlace() uint32 {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.list.next == places {
		i.t.Fatalf("resourcetest: %s has made %d tokens, and its status list is full; make another issuer", i.URL, places-firstPlace)
	}
	i.list.next++
	return i.list.next - 1
}

func (i *Issuer) mark(place uint32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.list.bits[place/8] |= 1 << (place % 8)
	i.list.revoked = place
}

// publishList signs the list as it is now, for good: a test that lets days pass
// does not sign it again.
func (i *Issuer) publishList() {
	i.t.Helper()
	key := i.signer()
	i.mu.Lock()
	payload, err := token.StatusList{
		Issuer: i.URL, Subject: i.list.uri, IssuedAt: token.At(i.now()), TTL: 60,
		Bits: i.list.bits, Aggregation: i.URL + issuertest.ListsPath,
	}.Marshal()
	i.mu.Unlock()
	if err != nil {
		i.t.Fatalf("resourcetest: %v", err)
	}
	header := map[string]any{"typ": token.TypStatusList, "kid": key.ID, "alg": key.Alg}
	i.inner.PutList(listName, issuertest.Sign(i.t, key, header, payload))
}

// Revoke revokes a token, as a sign-out does. It returns when the Verifiers
// refuse it.
func (i *Issuer) Revoke(raw string) {
	i.t.Helper()
	c, err := token.ParseCompact(raw)
	if err != nil {
		i.t.Fatalf("resourcetest: what is to be revoked is no token")
	}
	claims, err := token.ParseClaims(c.Payload)
	if ref := claims.Status.List; err != nil || ref.URI != i.list.uri || ref.Index >= places {
		i.t.Fatalf("resourcetest: what is to be revoked has no place in the status list of %s", i.URL)
	}
	i.mark(claims.Status.List.Index)
	i.publishList()
	i.settle("saw the token revoked", i.knows)
}
