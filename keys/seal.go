package keys

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
)

const sealPurpose = "signet seal v1"

// Sealer encrypts small secrets under a master key for one store. What it
// seals opens only as the kind of thing, of the id, in the store, that it
// was sealed as.
type Sealer struct {
	store string
	with  sealKey
	also  *sealKey // a former master key that still opens
}

type sealKey struct {
	id  string
	key []byte
}

// sealHeader is the protected header (RFC 7516, section 4); what it says is
// authenticated with the content.
type sealHeader struct {
	Alg    string `json:"alg"`
	Enc    string `json:"enc"`
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Store  string `json:"store"`
	Master string `json:"master"`
}

// NewSealer returns a sealer under mk for the store of that id.
func NewSealer(mk MasterKey, storeID string) *Sealer {
	return &Sealer{store: storeID, with: newSealKey(mk)}
}

func newSealKey(mk MasterKey) sealKey { return sealKey{id: mk.ID(), key: mk.derive(sealPurpose)} }

// Accepting returns a sealer that also opens what old sealed: while the
// master key is being changed, which is several writes and may be cut short.
func (s *Sealer) Accepting(old MasterKey) *Sealer {
	also := newSealKey(old)
	return &Sealer{store: s.store, with: s.with, also: &also}
}

// MasterKeyID names the master key that seals.
func (s *Sealer) MasterKeyID() string { return s.with.id }

// Seal encrypts plain as a compact JWE (dir, A256GCM).
func (s *Sealer) Seal(kind, id string, plain []byte) (string, error) {
	head := jwe.NewHeaders()
	for name, value := range map[string]string{"kind": kind, "id": id, "store": s.store, "master": s.with.id} {
		if err := head.Set(name, value); err != nil {
			return "", fmt.Errorf("keys: seal %s %s: %w", kind, id, err)
		}
	}
	sealed, err := jwe.Encrypt(plain, jwe.WithKey(jwa.DIRECT, s.with.key),
		jwe.WithContentEncryption(jwa.A256GCM), jwe.WithProtectedHeaders(head))
	if err != nil {
		return "", fmt.Errorf("keys: seal %s %s: %w", kind, id, err)
	}
	return string(sealed), nil
}

// Open decrypts what was sealed as this kind and id in this store. Errors
// are a *WrongMasterKeyError, or wrap ErrSealBroken.
func (s *Sealer) Open(kind, id, sealed string) ([]byte, error) {
	head, err := readSealHeader(sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", ErrSealBroken, kind, id, err)
	}
	key := s.with
	if s.also != nil && head.Master == s.also.id {
		key = *s.also
	}
	if head.Master != key.id {
		return nil, &WrongMasterKeyError{Kind: kind, ID: id, Sealed: head.Master, Have: s.with.id}
	}
	want := sealHeader{Alg: "dir", Enc: "A256GCM", Kind: kind, ID: id, Store: s.store, Master: key.id}
	if head != want {
		return nil, fmt.Errorf("%w: %s %s of store %s holds what was sealed as %s %s of store %s (%s, %s)",
			ErrSealBroken, kind, id, s.store, head.Kind, head.ID, head.Store, head.Alg, head.Enc)
	}
	plain, err := jwe.Decrypt([]byte(sealed), jwe.WithKey(jwa.DIRECT, key.key))
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s was changed after it was sealed", ErrSealBroken, kind, id)
	}
	return plain, nil
}

// readSealHeader reads the header before anything is decrypted, and admits
// only the form and the members that Seal writes: no JSON serialization, no
// compression, no crit.
func readSealHeader(sealed string) (h sealHeader, err error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 5 || parts[1] != "" {
		return h, fmt.Errorf("it is not a compact JWE with a direct key")
	}
	if strings.ContainsAny(sealed, "\r\n") { // which encoding/base64 skips, even when strict
		return h, fmt.Errorf("it has an end of line inside")
	}
	for i, part := range parts {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return h, fmt.Errorf("part %d is not base64url", i+1)
		}
		if i > 0 {
			continue
		}
		if err := json.Unmarshal(raw, &h, json.RejectUnknownMembers(true)); err != nil {
			return h, fmt.Errorf("its header is not one that was written here: %w", err)
		}
	}
	return h, nil
}

// reseal opens with s, or with to if that was done already, and seals anew. A
// secret that was destroyed ("") stays so.
func (s *Sealer) reseal(to *Sealer, kind, id string, sealed *string) error {
	if *sealed == "" {
		return nil
	}
	from := s
	if head, err := readSealHeader(*sealed); err == nil && head.Master == to.with.id {
		from = to
	}
	plain, err := from.Open(kind, id, *sealed)
	if err != nil {
		return err
	}
	defer clear(plain)
	*sealed, err = to.Seal(kind, id, plain)
	return err
}

func (s *Sealer) String() string       { return "sealer under master key " + s.with.id }
func (s *Sealer) GoString() string     { return s.String() }
func (s *Sealer) LogValue() slog.Value { return slog.StringValue(s.String()) }
