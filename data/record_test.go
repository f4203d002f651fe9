package data

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// fillFields gives every field of a struct a value that is not zero, and another one
// to each.
func fillFields(t *testing.T, v reflect.Value, n *byte) {
	t.Helper()
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2031, 5, 6, 7, 8, 9, int(*n)*1_000_001, time.UTC)))
		return
	case jsontext.Value:
		v.SetBytes(fmt.Appendf(nil, `{"text %d":[1]}`, *n))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillFields(t, v.Elem(), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillFields(t, key, n)
		fillFields(t, value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fillFields(t, v.Field(i), n)
		}
	case reflect.Array, reflect.Slice:
		if v.Kind() == reflect.Slice {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		}
		for i := range v.Len() {
			fillFields(t, v.Index(i), n)
		}
	case reflect.String:
		v.SetString("text " + string([]byte{'A' + *n%26, 'a' + *n/26}))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n))
	case reflect.Uint32:
		v.SetUint(1<<32 - uint64(*n))
	case reflect.Uint64:
		v.SetUint(math.MaxUint64 - uint64(*n))
	default:
		t.Fatalf("a field of kind %s: teach the test about it", v.Kind())
	}
}

// records has one of every kind.
func records() []record {
	return []record{&Meta{}, &User{}, &Invitation{}, &Grant{}, &Client{}, &Consent{}, &Delivery{}, &Ending{}, &mark{},
		&Code{}, &Request{}, &Device{}, &UserCode{}, &Session{}, &InitialToken{}, &backupHeader{},
		&StatusList{}, &Block{}, &Revocation{}, &Node{}, &Move{}, &Counters{}}
}

func TestEveryFieldOfEveryRecordSurvives(t *testing.T) {
	for _, r := range records() {
		t.Run(r.kind(), func(t *testing.T) {
			var n byte
			v := reflect.ValueOf(r).Elem()
			fillFields(t, v, &n)
			value, err := encode(r)
			if err != nil {
				t.Fatal(err)
			}
			for i := range v.NumField() {
				if v.Field(i).IsZero() {
					t.Errorf("%s is zero: the test shows nothing about it", v.Type().Field(i).Name)
				}
			}
			got := reflect.New(v.Type())
			if err := decode(value, got.Interface().(record)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Interface(), r) {
				t.Fatalf("%s\nbecame %+v", value, got.Interface())
			}
			if !bytes.HasPrefix(value, []byte(`{"v":1,`)) {
				t.Errorf("the version does not come first: %s", value)
			}
		})
	}
}

func TestARecordThatCannotBeReadIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        error
	}{
		{"of version 0", `{"v":0}`, ErrVersion},
		{"of version 2", `{"v":2,"shape":["other"]}`, ErrVersion},
		{"of a version with the same members", `{"v":2,"id":"x"}`, ErrVersion},
		{"without a version", `{"id":"x"}`, ErrRecord},
		{"with a version that is no number", `{"v":"1"}`, ErrRecord},
		{"with an unknown member", `{"v":1,"colour":"red"}`, ErrRecord},
		{"with a member twice", `{"v":1,"id":"x","id":"y"}`, ErrRecord},
		{"with something behind it", `{"v":1}{}`, ErrRecord},
		{"that is cut", `{"v":1,"id":"x`, ErrRecord},
		{"of invalid UTF-8", "{\"v\":1,\"id\":\"\xff\"}", ErrRecord},
		{"that is null", `null`, ErrRecord},
		{"that is nothing", ``, ErrRecord},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := decode([]byte(c.value), &User{}); !errors.Is(err, c.want) {
				t.Fatal(err)
			}
		})
	}
}

func TestARecordOfInvalidTextIsNotWritten(t *testing.T) {
	if _, err := encode(&Grant{Client: "\xff"}); !errors.Is(err, ErrRecord) {
		t.Fatal(err)
	}
}

func TestIDsHaveOneText(t *testing.T) {
	id := GrantID{0: 1, 15: 0xff}
	text := id.String()
	if got, err := ParseGrantID(text); got != id || err != nil {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"", text + "=", text[:21], text + "A", text[:21] + "x", text[:10] + "\n" + text[11:], text[:21] + "\n", "+" + text[1:]} {
		if _, err := ParseGrantID(bad); !errors.Is(err, ErrID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	const user = "abcdefghijklmnopqrstuvwxya"
	if got, err := ParseUserID(user); string(got) != user || err != nil {
		t.Fatal(got, err)
	}
	if got := UserIDOf(UserID(user).Bits()); got != user || UserID(user).Bits() == ([16]byte{}) {
		t.Fatal(got)
	}
	for _, none := range []string{"", "ann", user[:25], user + "aaaaaa", "A" + user[1:], user[:25] + "1"} {
		if got := UserID(none).Bits(); got != ([16]byte{}) {
			t.Errorf("%q: %x", none, got)
		}
	}
	for _, bad := range []string{"", user[:25], user + "a", "A" + user[1:], user[:25] + "b", user[:25] + "1", user[:24] + "\na", "../" + user[3:]} {
		if _, err := ParseUserID(bad); !errors.Is(err, ErrID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTheExpiryIndexIsOrderedByTime(t *testing.T) {
	base := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	id := GrantID{9}
	var last []byte
	for _, d := range []time.Duration{-200 * 365 * 24 * time.Hour, 0, 1, time.Second + 1, 256 * time.Second, 1 << 16 * time.Second, 1 << 32 * time.Second} {
		key := expiryKey(base.Add(d), expiryGrant, id[:])
		if bytes.Compare(last, key) >= 0 {
			t.Fatalf("%s comes before", d)
		}
		last = key
		second, kind, got, ok := parseExpiryKey(key)
		if !ok || kind != expiryGrant || GrantID(got) != id || second < base.Add(d).Unix() || second > max(0, base.Add(d).Unix()+1) {
			t.Fatal(second, kind, got, ok)
		}
	}
}

// FuzzDecode holds that what is read is written and read again as the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"v":1,"id":"x"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, r := range records() {
			err := decode(value, r)
			if err != nil {
				if !errors.Is(err, ErrRecord) && !errors.Is(err, ErrVersion) {
					t.Fatal(err)
				}
				continue
			}
			again, err := encode(r)
			if err != nil {
				t.Fatalf("%s is read and not written: %v", value, err)
			}
			got := reflect.New(reflect.TypeOf(r).Elem()).Interface().(record)
			if err := decode(again, got); err != nil {
				t.Fatalf("%s was read, and %s is not: %v", value, again, err)
			}
			twice, err := encode(got)
			if err != nil || !bytes.Equal(again, twice) {
				t.Fatalf("%s became %s, %v", again, twice, err)
			}
		}
	})
}

func FuzzExpiryKey(f *testing.F) {
	f.Add([]byte("x/\x00\x00\x00\x00\x00\x00\x00\x01g0123456789abcdef"))
	f.Fuzz(func(t *testing.T, key []byte) {
		key = append([]byte(expiryPrefix), key...)
		second, kind, id, ok := parseExpiryKey(key)
		if ok && second < 1<<40 && !bytes.Equal(expiryKey(time.Unix(second, 0), kind, id), key) {
			t.Fatalf("%q is read as another key", key)
		}
	})
}
