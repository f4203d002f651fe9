package vectors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// OK is what is wanted of a token that must be accepted.
const OK = "ok"

// File is one file of vectors. What stands in its head holds for each of them.
type File struct {
	About    string          `json:"about"`
	Issuer   string          `json:"issuer,omitempty"`
	Audience string          `json:"audience,omitempty"`
	Now      int64           `json:"now,omitempty"`
	JWKS     json.RawMessage `json:"jwks,omitempty"`
	Vectors  []Vector        `json:"vectors"`
}

// Vector is one token and what a verifier says of it.
type Vector struct {
	Name    string `json:"name"`
	Section string `json:"section"`
	Why     string `json:"why"`

	JWKS     json.RawMessage `json:"jwks,omitempty"`      // in place of the file's
	JWKSText string          `json:"jwks_text,omitempty"` // the same, where it is no JSON object
	Algs     []string        `json:"algs,omitempty"`      // all that the verifier allows, where that is not every one
	Key      json.RawMessage `json:"key,omitempty"`       // where a signature is verified, and no token: the JWK to do it with

	Token string `json:"token"`
	List  string `json:"list,omitempty"` // what the URL of the status list answers that the token names
	Want  string `json:"want"`
}

// Keys is the JWK Set that the issuer answers with, byte by byte.
func (f File) Keys(v Vector) string {
	switch {
	case v.JWKSText != "":
		return v.JWKSText
	case v.JWKS != nil:
		return string(v.JWKS)
	}
	return string(f.JWKS)
}

// Load reads one file of a folder.
func Load(dir, name string) (File, error) {
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return File{}, err
	}
	var f File
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return File{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(f.Vectors) == 0 {
		return File{}, fmt.Errorf("%s: no vectors", name)
	}
	return f, nil
}

// Encode writes a file as it is committed.
func (f File) Encode() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(f)
	return out.Bytes(), err
}

// Make returns the files that are made here, by their names.
var Make = sync.OnceValue(func() map[string]File {
	return map[string]File{
		"signature.json": file("Signatures that are not the key's signature over the token.", signatures()),
		"header.json":    file("Protected headers: algorithms, types, keys that a token brings along, and the JSON itself.", headers()),
		"keyset.json":    file("JWK Sets: keys that must not be used, and sets that are none. The token fits the key, so whoever uses it accepts.", keySets()),
		"encoding.json":  file("Other spellings of a good token, and what is no compact serialization.", encodings()),
		"claims.json":    file("Payloads under good signatures.", claimSets()),

		"statuslist.json": file("Status lists: tokens that are good but for their status, and what the URL of their list answers.", statusLists()),
	}
})

func file(about string, groups [][]Vector) File {
	f := File{About: about, Issuer: Issuer, Audience: Audience, Now: Now, JWKS: published()}
	for _, g := range groups {
		f.Vectors = append(f.Vectors, g...)
	}
	return f
}

// group gives vectors that are refused for one reason what they share.
func group(section, why, want string, cases ...Vector) []Vector {
	for i := range cases {
		cases[i].Section, cases[i].Why, cases[i].Want = section, why, want
	}
	return cases
}

// object is a JSON object that was put together by hand.
func object(members ...string) json.RawMessage {
	return json.RawMessage("{" + strings.Join(members, ",") + "}")
}
