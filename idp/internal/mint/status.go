package mint

import (
	"fmt"
	"strings"
	"time"

	"signet/data"
	"signet/resource/token"
)

// StatusListPath is what the URI of a status list has between the issuer and
// the list's id. Without the id it is where all of them are listed.
const StatusListPath = "/oauth2/status_lists/"

// Status is what a token carries of the slot that was drawn for it.
func (m *Mint) Status(slot data.Slot) token.StatusRef {
	return token.StatusRef{Index: slot.Index, URI: m.StatusListURI(slot.List)}
}

// StatusListURI names the list (Token Status List, section 6.2).
func (m *Mint) StatusListURI(id data.StatusListID) string {
	return m.issuer + StatusListPath + id.String()
}

// StatusAggregationURI is where all lists are listed (Token Status List,
// section 9.1).
func (m *Mint) StatusAggregationURI() string {
	return m.issuer + strings.TrimSuffix(StatusListPath, "/")
}

// StatusList checks a Status List Token (Token Status List, section 5.1) with
// these bits. A copy may be kept for ttl, and says nothing any more once the
// longest time that its key signs for has passed since issued, which lies in
// the past. It fails as Access does.
func (m *Mint) StatusList(alg token.Alg, id data.StatusListID, bits []byte, issued time.Time, ttl time.Duration) (*Checked, error) {
	signer, err := m.ring.Snapshot().Signer(alg)
	if err != nil {
		return nil, err
	}
	life := signer.MaxLifetime().Truncate(time.Second)
	payload, err := token.StatusList{
		Issuer: m.issuer, Subject: m.StatusListURI(id), IssuedAt: token.At(issued), Expiry: token.At(issued.Add(life)),
		TTL: uint32(ttl / time.Second), Bits: bits, Aggregation: m.StatusAggregationURI(),
	}.Marshal()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return &Checked{signer: signer, typ: token.TypStatusList, payload: payload, ttl: life}, nil
}
