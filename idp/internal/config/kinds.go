package config

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"signet/data/kv/address"
	"signet/resource/token"
)

// value is where a setting goes: it takes the items that were written (one,
// unless it is a list), and changes nothing when it refuses them.
type value interface {
	kind() string             // for people
	list() bool               // whether it takes several items
	accepts(tag string) bool  // whether a YAML scalar of that tag can be an item
	set(items []string) error // the error says what would be right
}

// kindOf says how a value of one type is written.
type kindOf[T any] struct {
	name  string
	tags  []string
	parse func(string) (T, error)
}

type scalar[T any] struct {
	kindOf[T]
	dst    *T
	checks []func(T) error
}

func one[T any](k kindOf[T], dst *T, checks ...func(T) error) value {
	return scalar[T]{k, dst, checks}
}

func (s scalar[T]) kind() string            { return s.name }
func (s scalar[T]) list() bool              { return false }
func (s scalar[T]) accepts(tag string) bool { return slices.Contains(s.tags, tag) }

func (s scalar[T]) set(items []string) error {
	v, err := s.parse(items[0])
	if err != nil {
		return err
	}
	for _, check := range s.checks {
		if err := check(v); err != nil {
			return err
		}
	}
	*s.dst = v
	return nil
}

type several[T comparable] struct {
	scalar[T]
	dst *[]T
}

func many[T comparable](k kindOf[T], dst *[]T, checks ...func(T) error) value {
	return several[T]{scalar[T]{kindOf: k, checks: checks}, dst}
}

func (s several[T]) kind() string { return "list of " + s.name }
func (s several[T]) list() bool   { return true }

func (s several[T]) set(items []string) error {
	var all []T
	for _, item := range items {
		var v T
		s.scalar.dst = &v
		if err := s.scalar.set([]string{item}); err != nil && len(items) == 1 {
			return err
		} else if err != nil {
			return fmt.Errorf("%s: %w", quote(item), err)
		}
		if slices.Contains(all, v) {
			return fmt.Errorf("%s is there twice", quote(item))
		}
		all = append(all, v)
	}
	*s.dst = all
	return nil
}

var (
	text = kindOf[string]{"text", []string{"!!str"}, func(s string) (string, error) {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) {
			return "", errors.New("write it without control characters and in UTF-8")
		}
		return s, nil
	}}
	boolean  = kindOf[bool]{"true or false", []string{"!!bool"}, parseBool}
	integer  = kindOf[int]{"number", []string{"!!int"}, parseInt}
	duration = kindOf[time.Duration]{"duration", []string{"!!str", "!!int"}, parseDuration}
	anyAlg   = kindOf[token.Alg]{"text", []string{"!!str"}, func(s string) (token.Alg, error) { return token.Alg(s), nil }}
	size     = kindOf[int]{"size", []string{"!!str", "!!int"}, parseSize}
	prefix   = kindOf[netip.Prefix]{"network", []string{"!!str"}, parsePrefix}

	storeAddress = kindOf[address.Address]{"address", []string{"!!str"}, func(s string) (address.Address, error) {
		if s == "" {
			return address.Address{}, nil
		}
		return address.Parse(s)
	}}
)

// choice is one word out of a few.
func choice[T ~string](words ...T) kindOf[T] {
	var names []string
	for _, w := range words {
		names = append(names, string(w))
	}
	or := orList(names)
	return kindOf[T]{or, []string{"!!str", "!!bool", "!!int"}, func(s string) (T, error) {
		if !slices.Contains(words, T(s)) {
			return "", errors.New("write " + or)
		}
		return T(s), nil
	}}
}

func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func parseBool(s string) (bool, error) {
	switch s {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("write true or false")
}

func parseInt(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s {
		return 0, errors.New("write a whole number in plain digits")
	}
	return n, nil
}

// parseDuration reads Go's form, with days in front: 90s, 1h30m, 30d, 1d12h.
func parseDuration(s string) (time.Duration, error) {
	bad := errors.New("write a duration with its unit, such as 90s, 10m, 12h or 30d")
	if s == "0" {
		return 0, nil
	}
	var days time.Duration
	if head, rest, found := strings.Cut(s, "d"); found {
		n, err := parseInt(head)
		if err != nil || n < 0 || n > math.MaxInt64/int(day) {
			return 0, bad
		}
		if days = time.Duration(n) * day; rest == "" {
			return days, nil
		}
		s = rest
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || strings.ContainsAny(s, "+-") || days+d < days {
		return 0, bad
	}
	return days + d, nil
}

// parseSize reads bytes, with or without a binary unit: 65536, 64KiB, 1MiB.
func parseSize(s string) (int, error) {
	digits, unit := s, 1
	for suffix, u := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if head, found := strings.CutSuffix(s, suffix); found {
			digits, unit = head, u
		}
	}
	n, err := parseInt(digits)
	if err != nil || n < 0 || n > math.MaxInt/unit {
		return 0, errors.New("write a size in bytes, such as 65536, 64KiB or 1MiB")
	}
	return n * unit, nil
}

// parsePrefix reads a network, or one address as the network of itself.
func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, errors.New("write an address or a network, such as 10.0.0.7, 10.0.0.0/8 or fd00::/8")
	case p.Addr().Is4In6():
		return netip.Prefix{}, errors.New("write an IPv4 network in its own form, such as 10.0.0.0/8")
	case p.Bits() == 0:
		return netip.Prefix{}, errors.New("this trusts everyone, so anyone could claim any address; name your own proxies")
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("the address goes beyond the network; write %s, or the one address without /%d",
			p.Masked(), p.Bits())
	}
	return p, nil
}

// The checks of single values. Their errors say what would be right.

func notEmpty(s string) error {
	if s == "" {
		return errors.New("must not be empty")
	}
	return nil
}

func atLeast[T cmp.Ordered](low T) func(T) error {
	return func(v T) error {
		if v < low {
			return fmt.Errorf("must be at least %v", show(low))
		}
		return nil
	}
}

func within[T cmp.Ordered](low, high T) func(T) error {
	return func(v T) error {
		if v < low || v > high {
			return fmt.Errorf("must be from %v to %v", show(low), show(high))
		}
		return nil
	}
}

func among(few ...int) func(int) error {
	var names []string
	for _, n := range few {
		names = append(names, strconv.Itoa(n))
	}
	return func(n int) error {
		if !slices.Contains(few, n) {
			return errors.New("must be " + orList(names))
		}
		return nil
	}
}

// show writes a bound as one would write it in the file.
func show(v any) string {
	d, ok := v.(time.Duration)
	switch {
	case !ok:
		return fmt.Sprint(v)
	case d == 0:
		return "0"
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

func wholeSeconds(d time.Duration) error {
	if d%time.Second != 0 {
		return errors.New("must be whole seconds, since exp in a token is")
	}
	return nil
}

func audienceName(s string) error {
	if s == "" || len(s) > 255 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) {
		return errors.New("must be 1 to 255 visible ASCII characters without a comma")
	}
	return nil
}

// documentHost is a host, or "*".
func documentHost(s string) error {
	if s == "*" {
		return nil
	}
	if u, err := url.Parse("https://" + s); err != nil || u.Host != s || s != strings.ToLower(s) || s == "" {
		return errors.New("must be a host in lower case, such as app.example.com, or \"*\"")
	}
	return nil
}

func hexColor(s string) error {
	if len(s) == 7 && s[0] == '#' {
		if _, err := hex.DecodeString(s[1:]); err == nil {
			return nil
		}
	}
	return errors.New("must be a colour of the form #rrggbb")
}
