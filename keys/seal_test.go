package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
)

var otherMasterKey = NewMasterKey(bytes.NewReader(bytes.Repeat([]byte{8}, 32)))

func TestASealedValueOpensOnlyAsWhatItWasSealed(t *testing.T) {
	s := NewSealer(testMasterKey, "store1")
	sealed, err := s.Seal("key", "k1", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := s.Open("key", "k1", sealed); err != nil || string(plain) != "secret" {
		t.Fatalf("%s, %v", plain, err)
	}
	part := strings.Split(sealed, ".")
	head := func(old, new string) string {
		raw, _ := base64.RawURLEncoding.DecodeString(part[0])
		changed := strings.Replace(string(raw), old, new, 1)
		return strings.Join(append([]string{base64.RawURLEncoding.EncodeToString([]byte(changed))}, part[1:]...), ".")
	}
	zipped, _ := jwe.Encrypt(bytes.Repeat([]byte("a"), 1<<16), jwe.WithKey(jwa.DIRECT, s.with.key), jwe.WithCompress(jwa.Deflate))
	for name, try := range map[string]struct{ kind, id, store, sealed string }{
		"moved to another id":             {"key", "k2", "store1", sealed},
		"moved to another kind":           {"mac", "k1", "store1", sealed},
		"moved to another store":          {"key", "k1", "store2", sealed},
		"with the id changed to fit":      {"key", "k2", "store1", head(`"k1"`, `"k2"`)},
		"with a member more":              {"key", "k1", "store1", head(`{`, `{"crit":["x"],`)},
		"with a member twice":             {"key", "k1", "store1", head(`{`, `{"id":"k1",`)},
		"under another algorithm":         {"key", "k1", "store1", head(`"dir"`, `"A256KW"`)},
		"with a changed ciphertext":       {"key", "k1", "store1", strings.Replace(sealed, part[3], strings.Repeat("A", len(part[3])), 1)},
		"cut":                             {"key", "k1", "store1", sealed[:len(sealed)-2]},
		"with white space":                {"key", "k1", "store1", sealed + "\n"},
		"compressed":                      {"key", "k1", "store1", string(zipped)},
		"in JSON":                         {"key", "k1", "store1", `{"ciphertext":"x"}`},
		"empty":                           {"key", "k1", "store1", ""},
		"with the tag of another message": {"key", "k1", "store1", strings.Join(append(part[:4:4], "AAAAAAAAAAAAAAAAAAAAAA"), ".")},
	} {
		if _, err := NewSealer(testMasterKey, try.store).Open(try.kind, try.id, try.sealed); !errors.Is(err, ErrSealBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWrongMasterKeyIsNamedWithTheRightOne(t *testing.T) {
	sealed, _ := NewSealer(testMasterKey, "s").Seal("key", "k1", []byte("x"))
	_, err := NewSealer(otherMasterKey, "s").Open("key", "k1", sealed)
	var wrong *WrongMasterKeyError
	if !errors.As(err, &wrong) || !errors.Is(err, ErrWrongMasterKey) ||
		wrong.Sealed != testMasterKey.ID() || wrong.Have != otherMasterKey.ID() {
		t.Fatalf("%v", err)
	}
	if plain, err := NewSealer(otherMasterKey, "s").Accepting(testMasterKey).Open("key", "k1", sealed); err != nil || string(plain) != "x" {
		t.Errorf("while the key is being changed: %v", err)
	}
}

func TestAMasterKeyIsOneLineOfText(t *testing.T) {
	text := string(testMasterKey.Text())
	for _, ok := range []string{text, strings.TrimSuffix(text, "\n"), strings.TrimSuffix(text, "\n") + "\r\n"} {
		if m, err := ParseMasterKey([]byte(ok)); err != nil || m != testMasterKey {
			t.Errorf("%q: %v", ok, err)
		}
	}
	line := strings.TrimSpace(text)
	for name, bad := range map[string]string{
		"empty":                     "",
		"only an end of line":       "\n",
		"two lines":                 text + text,
		"two ends":                  text + "\n",
		"space before":              " " + line,
		"without the prefix":        strings.TrimPrefix(line, masterKeyPrefix),
		"cut":                       line[:len(line)-1],
		"padded":                    line + "=",
		"the standard alphabet":     line[:len(line)-1] + "+",
		"bits after the end":        line[:len(line)-1] + "d",
		"all zeros":                 masterKeyPrefix + strings.Repeat("A", 43),
		"a PEM file":                "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n",
		"NUL inside":                line[:20] + "\x00" + line[21:],
		"a carriage return in line": line[:20] + "\r" + line[21:],
	} {
		_, err := ParseMasterKey([]byte(bad))
		if !errors.Is(err, ErrMasterKey) {
			t.Errorf("%s: %v", name, err)
		} else if len(bad) > 30 && strings.Contains(err.Error(), bad[15:30]) {
			t.Errorf("%s: the error shows the text: %v", name, err)
		}
	}
}

func TestSecretsPrintAsTheirNames(t *testing.T) {
	s := NewSealer(testMasterKey, "store1")
	r := mustOpen(t, testOptions(&memStore{}, newTestClock().now, "ES256"))
	signer, err := r.Snapshot().Signer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	// The key is 32 sevens; eight of them do not turn up in a kid by chance.
	secrets := []string{string(testMasterKey.Text()[10:40]), strings.Repeat("07", 8), strings.Repeat("7 ", 8),
		strings.Repeat("7, ", 8), strings.Repeat("0x7, ", 8), string(s.with.key[:8])}
	type holder struct {
		A any
		m MasterKey
	}
	for _, v := range []any{testMasterKey, &testMasterKey, s, r.Snapshot(), signer, holder{testMasterKey, MasterKey{}}, holder{A: s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			check(t, secrets, fmt.Sprintf(verb, v))
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		check(t, secrets, log.String())
		doc, _ := json.Marshal(v)
		check(t, secrets, string(doc))
	}
}

func check(t *testing.T, secrets []string, out string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(out, secret) {
			t.Errorf("a secret is printed: %s", out)
		}
	}
}
