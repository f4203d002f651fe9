package data

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// What was written yesterday is read tomorrow, and written as it was: under one
// version, members are added and never renamed, dropped or given another form.
func TestWhatWasWrittenBeforeIsRead(t *testing.T) {
	const file = "testdata/records.golden"
	if *update {
		writeGolden(t, file)
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(golden)) {
		kind, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		lines[kind] = value
	}
	for _, r := range records() {
		line, ok := lines[r.kind()]
		if !ok {
			t.Errorf("%s is not in the golden file: go test ./data -run WrittenBefore -update", r.kind())
			continue
		}
		if err := decode([]byte(line), r); err != nil {
			t.Error(err)
			continue
		}
		if value, err := encode(r); err != nil || string(value) != line {
			t.Errorf("%s\nis written as\n%s, %v", line, value, err)
		}
	}
}

func writeGolden(t *testing.T, file string) {
	t.Helper()
	var out bytes.Buffer
	for _, r := range records() {
		var n byte
		fillFields(t, reflect.ValueOf(r).Elem(), &n)
		value, err := encode(r)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(r.kind() + "\t" + string(value) + "\n")
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// everyKey has a pair of every kind of the table in keys.go.
func everyKey() map[string][2]string {
	const user = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	at := time.Unix(0x0102030405, 0)
	h := Hash(bytes.Repeat([]byte{'#'}, len(Hash{})))
	g := GrantID(bytes.Repeat([]byte{'%'}, len(GrantID{})))
	clientHash, record := HashOf("web"), `{"v":1}`
	pairs := map[string][2]string{
		"meta":         {metaKey, record},
		"throttle":     {throttleKey, "x"},
		"user":         {string(userKey(user)), record},
		"e-mail":       {string(emailKey("ann@example.com")), user},
		"cost":         {string(costKey(12, user)), "1"},
		"invitation":   {string(invitationKey(InvitationHash(h))), record},
		"grant":        {string(grantKey(g)), record},
		"holds":        {string(holdsKey(user, g)), "1"},
		"client":       {string(clientKey("web")), record},
		"unused":       {string(unusedKey(clientHash)), "1"},
		"consent":      {string(consentKey(user, "web")), record},
		"signed in":    {string(signedInKey(user, "a1", h)), "1"},
		"ending":       {string(endingKey(user)), record},
		"delivery":     {string(deliveryKey(Delivery{ID: "d1", NextAt: at})), record},
		"node":         {string(nodeKey(user)), record},
		"cell":         {string(cellKey("ring")), "x"},
		"of a grant":   {string(expiryKey(at, expiryGrant, g[:])), "1"},
		"of a user":    {string(expiryKey(at, expiryUser, []byte(user))), "1"},
		"of a client":  {string(expiryKey(at, expiryClient, clientHash[:])), "1"},
		"of an invite": {string(expiryKey(at, expiryInvitation, h[:])), "1"},
		"status list":  {string(statusListKey(StatusListID(g))), record},
		"status bit":   {string(statusBitKey(StatusListID(g), 0x010203)), "1"},
		"of a list":    {string(expiryKey(at, expiryStatusList, g[:])), "1"},
		"held by":      {string(clientHoldsKey("web", g)), "1"},
		"block":        {string(blockKey(StatusListID(g), "web", 0x010203)), record},
		"revocation":   {string(revocationKey(user)), record},
		"revocations":  {revokedKey, "12345678"},
		"of a revoked": {string(expiryKey(at, expiryRevocation, []byte(user))), "1"},
	}
	for _, kind := range []byte{codeKind, requestKind, deviceKind, userCodeKind, sessionKind, initialTokenKind, markKind, countersKind} {
		pairs["passing "+string(kind)] = [2]string{string(passingKey(kind, h)), record}
		pairs["of passing "+string(kind)] = [2]string{string(expiryKey(at, expiryPassing, append([]byte{kind}, h[:]...))), "1"}
	}
	return pairs
}

func TestTheTableOfKeysIsPinned(t *testing.T) {
	const user, hash, grant = "aaaaaaaaaaaaaaaaaaaaaaaaaa", "################################", "%%%%%%%%%%%%%%%%"
	const second = "\x00\x00\x00\x01\x02\x03\x04\x05"
	web := HashOf("web")
	want := map[string]string{
		"meta": "m", "throttle": "t", "user": "u/" + user, "e-mail": "e/ann@example.com", "cost": "c/19" + user,
		"invitation": "i/" + hash, "grant": "g/" + grant, "holds": "h/" + user + grant,
		"client": "l/" + string(web[:]), "unused": "n/" + string(web[:]), "consent": "k/" + user + string(web[:]),
		"signed in": "b/" + user + "a1" + hash, "ending": "o/" + user, "delivery": "d/\x3c\x12\xb3\x53\xf3\x2d\xf2\x00d1", "cell": "z/ring",
		"node":       "p/" + user,
		"of a grant": "x/" + second + "g" + grant, "of a user": "x/" + second + "u" + user,
		"of a client": "x/" + second + "l" + string(web[:]), "of an invite": "x/" + second + "i" + hash,
		"status list": "f/" + grant, "status bit": "v/" + grant + "\x00\x01\x02\x03", "of a list": "x/" + second + "f" + grant,
		"held by": "a/" + string(web[:]) + grant, "block": "y/" + grant + string(web[:]) + "\x00\x01\x02\x03",
		"revocation": "j/" + user, "revocations": "w", "of a revoked": "x/" + second + "j" + user,
	}
	for _, kind := range "crdubtmn" {
		want["passing "+string(kind)] = "s/" + string(kind) + hash
		want["of passing "+string(kind)] = "x/" + second + "s" + string(kind) + hash
	}
	seen := map[string]bool{}
	for name, pair := range everyKey() {
		if pair[0] != want[name] {
			t.Errorf("%s: the key %q instead of %q", name, pair[0], want[name])
		}
		if seen[pair[0]] {
			t.Errorf("%s: the key is another one's", name)
		}
		seen[pair[0]] = true
		if err := checkPair([]byte(pair[0]), []byte(pair[1])); err != nil {
			t.Errorf("%s: a backup refuses it: %v", name, err)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d keys of %d", len(seen), len(want))
	}
}

func TestAPairThatIsNotOfTheTableIsInNoBackup(t *testing.T) {
	for name, pair := range everyKey() {
		if strings.HasPrefix(pair[1], "{") {
			if err := checkPair([]byte(pair[0]), []byte(`{"v":2}`)); !errors.Is(err, ErrVersion) {
				t.Errorf("%s of a later version: %v", name, err)
			}
			if err := checkPair([]byte(pair[0]), []byte(`{"v":1,"colour":"red"}`)); !errors.Is(err, ErrRecord) {
				t.Errorf("%s with an unknown member: %v", name, err)
			}
		}
	}
	for _, key := range []string{"s/", "s/c", "s/q################################", "s/c###############################", "s/c#################################",
		"b/", "x/", "q/x", "m/", "r", "", "/", "\xff"} {
		if err := checkPair([]byte(key), []byte(`{"v":1}`)); !errors.Is(err, ErrRecord) {
			t.Errorf("%q: %v", key, err)
		}
		restored([]byte(key)) // nor does it hurt where it was not looked at before
	}
}
