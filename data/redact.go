package data

import (
	"fmt"
	"io"
	"log/slog"
)

// A user's record holds a password hash, and an invitation the hash of its
// code: neither reaches a log or an error, whatever verb was used.

// String names the user.
func (u User) String() string { return "user " + string(u.ID) }

// LogValue names the user.
func (u User) LogValue() slog.Value { return slog.StringValue(u.String()) }

// Format names the user under every verb.
func (u User) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }
