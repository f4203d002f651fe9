package data

import (
	"fmt"
	"io"
	"log/slog"
)

// What records hold reaches no log and no error, whatever verb was used: hashes
// of passwords, secrets and short codes, salts, what people and clients sent.
// Each prints as its kind and, where it has one that may be told, its name.

// String names the user.
func (u User) String() string { return "user " + string(u.ID) }

// LogValue names the user.
func (u User) LogValue() slog.Value { return slog.StringValue(u.String()) }

// Format names the user under every verb.
func (u User) Format(f fmt.State, _ rune) { print(f, u.String()) }

// String names the client.
func (c Client) String() string { return "client " + c.ID }

// LogValue names the client.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Format names the client under every verb.
func (c Client) Format(f fmt.State, _ rune) { print(f, c.String()) }

// String names the grant.
func (g Grant) String() string { return "grant " + g.ID.String() }

// LogValue names the grant.
func (g Grant) LogValue() slog.Value { return slog.StringValue(g.String()) }

// Format names the grant under every verb.
func (g Grant) Format(f fmt.State, _ rune) { print(f, g.String()) }

// LogValue tells the kind.
func (c Code) LogValue() slog.Value { return kindOf(&c) }

// Format tells the kind under every verb.
func (c Code) Format(f fmt.State, _ rune) { print(f, hidden(&c)) }

// LogValue tells the kind.
func (r Request) LogValue() slog.Value { return kindOf(&r) }

// Format tells the kind under every verb.
func (r Request) Format(f fmt.State, _ rune) { print(f, hidden(&r)) }

// LogValue tells the kind.
func (d Device) LogValue() slog.Value { return kindOf(&d) }

// Format tells the kind under every verb.
func (d Device) Format(f fmt.State, _ rune) { print(f, hidden(&d)) }

// LogValue tells the kind.
func (u UserCode) LogValue() slog.Value { return kindOf(&u) }

// Format tells the kind under every verb.
func (u UserCode) Format(f fmt.State, _ rune) { print(f, hidden(&u)) }

// LogValue tells the kind.
func (s Session) LogValue() slog.Value { return kindOf(&s) }

// Format tells the kind under every verb.
func (s Session) Format(f fmt.State, _ rune) { print(f, hidden(&s)) }

// LogValue tells the kind.
func (t InitialToken) LogValue() slog.Value { return kindOf(&t) }

// Format tells the kind under every verb.
func (t InitialToken) Format(f fmt.State, _ rune) { print(f, hidden(&t)) }

// LogValue names the grant.
func (h *Holding) LogValue() slog.Value { return h.Grant.LogValue() }

// Format names the grant under every verb, and shows nothing of the records.
func (h *Holding) Format(f fmt.State, verb rune) { h.Grant.Format(f, verb) }

// LogValue tells the kind.
func (l StatusList) LogValue() slog.Value { return kindOf(&l) }

// Format tells the kind under every verb: whoever knows the key of a list can
// tell in which order its tokens were issued.
func (l StatusList) Format(f fmt.State, _ rune) { print(f, hidden(&l)) }

func hidden(r record) string { return "[" + r.kind() + "]" }

func kindOf(r record) slog.Value { return slog.StringValue(hidden(r)) }

func print(f fmt.State, text string) { _, _ = io.WriteString(f, text) }
