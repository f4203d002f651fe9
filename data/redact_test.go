package data

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"signet/data/kv/mem"
)

// Whatever is in a record, none of it is printed but the id that names it.
func TestARecordPrintsAsItsKindAndName(t *testing.T) {
	for _, r := range []record{&User{}, &Client{}, &Grant{}, &Code{}, &Request{}, &Device{}, &UserCode{}, &Session{}, &InitialToken{}} {
		t.Run(r.kind(), func(t *testing.T) {
			v := reflect.ValueOf(r).Elem()
			var n byte
			fillFields(t, v, &n)
			const name = "its-name"
			if id := v.FieldByName("ID"); id.IsValid() && id.Kind() == reflect.String {
				id.SetString(name)
			}
			value, pointer := v.Interface(), r
			var out strings.Builder
			for _, logger := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
				logger.Info("changed", "value", value, "pointer", pointer)
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				fmt.Fprintf(&out, verb+verb+verb+verb, value, pointer, []any{value}, fmt.Errorf("wrapped: "+verb, value))
			}
			for _, secret := range []string{"text ", hex.EncodeToString([]byte("text ")), "secret", "2031-05-06", "[0 ", "[1 ", "0x0", "0x1"} {
				if strings.Contains(out.String(), secret) {
					t.Errorf("%q is in %s", secret, out.String())
				}
			}
			for i := range v.NumField() {
				h, ok := v.Field(i).Interface().(Hash)
				if ok && (strings.Contains(out.String(), h.String()) || strings.Contains(strings.ToLower(out.String()), hex.EncodeToString(h[:]))) {
					t.Errorf("the hash %s is in %s", v.Type().Field(i).Name, out.String())
				}
			}
			if !strings.Contains(out.String(), r.kind()) {
				t.Errorf("nothing is in %s", out.String())
			}
		})
	}
}

func TestARecordAsItWasReadIsNotPrinted(t *testing.T) {
	s := open(t, mem.New(), newClock())
	u := newUser(t, s, "ann@example.com")
	g := newGrant(t, s, u, time.Hour)
	h, _, err := s.Lookup(drawSlot(t, s).List, 1, g.ID, "").Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, h); got != "grant "+g.ID.String() {
			t.Errorf("%s prints %.200s", verb, got)
		}
	}
}
