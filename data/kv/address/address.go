package address

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Engine is the kind of a store.
type Engine string

// The engines that an address can name.
const (
	Bolt     Engine = "bolt"
	Etcd     Engine = "etcd"
	Postgres Engine = "postgres"
)

// Address is where a store is. The zero Address is none.
type Address struct {
	engine Engine
	text   string // what the engine gets, with its secrets
	shown  string // without them
	secret bool
}

// Parse reads an address. Its errors say what would be right and quote nothing
// that may be a secret.
func Parse(text string) (Address, error) {
	scheme, rest, found := strings.Cut(text, ":")
	if !found {
		return Address{}, errForm
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Address{}, errors.New("write it without control characters")
	}
	switch scheme {
	case "bolt":
		return parseBolt(rest)
	case "etcd":
		return parseEtcd(rest)
	case "postgres", "postgresql":
		return parsePostgres(rest)
	}
	return Address{}, errForm
}

var errForm = errors.New("write bolt:PATH, etcd://host:2379/prefix or postgres://user@host/database")

// File is the address of a store in a file.
func File(path string) Address {
	return Address{engine: Bolt, text: path, shown: "bolt:" + path}
}

func parseBolt(path string) (Address, error) {
	switch {
	case path == "":
		return Address{}, errors.New("the path of the file is missing: write bolt:PATH")
	case strings.HasPrefix(path, "//"):
		return Address{}, errors.New("write bolt:PATH without slashes of its own, such as bolt:var/signet.db or bolt:/var/lib/signet/signet.db")
	}
	return File(path), nil
}

// Engine says which engine keeps the store.
func (a Address) Engine() Engine { return a.engine }

// IsZero tells whether there is no address.
func (a Address) IsZero() bool { return a == Address{} }

// Shared tells whether several machines can use the store at once.
func (a Address) Shared() bool { return a.engine != Bolt }

// HasSecret tells whether the address holds a password, and so must not be in a
// list of processes.
func (a Address) HasSecret() bool { return a.secret }

// Path is the file of a Bolt store.
func (a Address) Path() string {
	if a.engine != Bolt {
		return ""
	}
	return a.text
}

// String is the address without its secrets.
func (a Address) String() string { return a.shown }

// Format keeps every verb from the secrets, %#v too.
func (a Address) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(a.shown)) }

// LogValue keeps a log from them.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.shown) }

// MarshalText keeps JSON from them.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.shown), nil }
