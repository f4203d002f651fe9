package prove

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"signet/keys"
	"signet/prove/issuer"
)

// Whoever steals the store, or a backup, finds no token, no password, no
// private key and no secret of any kind in it, in no usual form; and none of
// them is in the issuer's log.
func TestAStolenStoreHoldsNoSecret(t *testing.T) {
	const origin = "http://127.0.0.1:3999"
	home := newHome(t, issuer.Settings{"browser.origins": origin, "log.level": "debug"})
	p := start(t, home)
	known := &secrets{}
	use(t, home, origin, known)

	backup := filepath.Join(t.TempDir(), "backup")
	for _, args := range [][]string{{"keys", "rotate", "--now"}, {"backup", backup}} {
		if out, err := home.Command(t.Context(), args...).CombinedOutput(); err != nil {
			t.Fatalf("idp %s: %v\n%s", args[0], err, out)
		}
	}
	running := read(t, filepath.Join(home.State, "signet.db"))
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	store := read(t, filepath.Join(home.State, "signet.db"))
	known.sealed(t, read(t, filepath.Join(home.State, "master.key")), running, store)

	for name, content := range map[string][]byte{
		"the store": store, "the store of the running issuer": running, "the backup": read(t, backup), "the log": []byte(p.Log()),
	} {
		if name != "the log" && !bytes.Contains(content, []byte("ada@example.com")) {
			t.Errorf("%s does not hold what it should: this test looks at nothing", name)
		}
		for _, s := range known.all {
			for form, needle := range s.forms() {
				if bytes.Contains(content, needle) {
					t.Errorf("%s holds %s, as %s", name, s.name, form)
				}
			}
		}
	}
	for _, name := range []string{"signet.db", "master.key"} {
		info, err := os.Stat(filepath.Join(home.State, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// use does everything that hands a secret to a client, and notes it.
func use(t *testing.T, home issuer.Home, origin string, known *secrets) {
	t.Helper()
	ctx := t.Context()
	client := issuer.NewClient(home.URL)
	defer client.Close()
	must := func(a issuer.Answer) {
		t.Helper()
		if a.Result != issuer.Done {
			t.Fatal(a)
		}
	}
	const email, first, second = "ada@example.com", "violet Ostrich 417", "an Umbrella, folded"
	known.add("the first password", []byte(first))
	known.add("the second password", []byte(second))
	must(client.Register(ctx, email, first))
	var last issuer.Tokens
	for range 3 {
		tokens, a := client.Login(ctx, email, first)
		must(a)
		for range 5 {
			known.tokens(t, tokens)
			tokens, a = client.Refresh(ctx, tokens.Refresh)
			must(a)
		}
		known.tokens(t, tokens)
		last = tokens
	}
	must(client.ChangePassword(ctx, last.Access, first, second))
	known.browser(ctx, t, home, origin, email, second)
	must(client.Logout(ctx, last.Refresh))
}

// secret is something that nobody may find.
type secret struct {
	name string
	raw  []byte
}

// forms are the usual ways to write bytes down. In base64 they look different
// at each of three places.
func (s secret) forms() map[string][]byte {
	digest := sha256.Sum256(s.raw)
	forms := map[string][]byte{
		"it is": s.raw, "hex": []byte(hex.EncodeToString(s.raw)), "upper-case hex": []byte(strings.ToUpper(hex.EncodeToString(s.raw))),
		"an unsalted hash": digest[:], "an unsalted hash in hex": []byte(hex.EncodeToString(digest[:])),
	}
	for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
		for shift := range 3 {
			text := encoding.EncodeToString(append(make([]byte, shift), s.raw...))
			from, to := (shift*8+5)/6, (shift+len(s.raw))*8/6
			forms[name+strings.Repeat(" shifted", shift)] = []byte(text[from:to])
		}
	}
	return forms
}

type secrets struct{ all []secret }

func (k *secrets) add(name string, raw []byte) { k.all = append(k.all, secret{name, bytes.Clone(raw)}) }

func (k *secrets) tokens(t *testing.T, tokens issuer.Tokens) {
	t.Helper()
	k.add("an access token", []byte(tokens.Access))
	k.base64(t, "a signature", tokens.Access[strings.LastIndexByte(tokens.Access, '.')+1:])
	k.refresh(t, tokens.Refresh)
}

// refresh knows that a refresh token ends with its MAC, of 32 bytes; what is
// before that is no secret.
func (k *secrets) refresh(t *testing.T, token string) {
	t.Helper()
	k.add("a refresh token", []byte(token))
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "signet_rt_"))
	if err != nil {
		t.Fatal(err)
	}
	k.add("a MAC", raw[len(raw)-32:])
}

func (k *secrets) base64(t *testing.T, name, text string) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	k.add(name, raw)
}

// browser signs in as a page does, and notes the cookies.
func (k *secrets) browser(ctx context.Context, t *testing.T, home issuer.Home, origin, email, password string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, home.URL+"/session/login", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", origin)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) == 0 {
		t.Fatalf("the browser's sign-in: %s, %d cookies", resp.Status, len(resp.Cookies()))
	}
	for _, cookie := range resp.Cookies() {
		k.add("the cookie "+cookie.Name, []byte(cookie.Value))
		if strings.HasPrefix(cookie.Value, "signet_rt_") {
			k.refresh(t, cookie.Value)
		}
	}
}

// compactJWE is what a sealed secret looks like in the store.
var compactJWE = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)

// sealed opens everything that is sealed in the stores, old pages included,
// and notes what was inside: it may be there in no other form.
func (k *secrets) sealed(t *testing.T, masterText []byte, stores ...[]byte) {
	t.Helper()
	master, err := keys.ParseMasterKey(masterText)
	if err != nil {
		t.Fatal(err)
	}
	k.add("the master key's text", bytes.TrimSpace(masterText))
	k.base64(t, "the master key", strings.TrimPrefix(string(bytes.TrimSpace(masterText)), "signet_mk_"))
	kinds := map[string]int{}
	for _, jwe := range compactJWE.FindAll(bytes.Join(stores, []byte("|")), -1) {
		var head struct{ Kind, ID, Store string }
		raw, err := base64.RawURLEncoding.DecodeString(string(jwe[:bytes.IndexByte(jwe, '.')]))
		if err != nil || json.Unmarshal(raw, &head) != nil {
			continue // torn by a page that was used again
		}
		plain, err := keys.NewSealer(master, head.Store).Open(head.Kind, head.ID, string(jwe))
		if err != nil {
			continue
		}
		kinds[head.Kind]++
		k.add("what is sealed as "+head.Kind, plain)
		var jwk map[string]any
		if json.Unmarshal(plain, &jwk) != nil {
			continue
		}
		for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if text, ok := jwk[member].(string); ok {
				k.base64(t, "the private "+member+" of "+head.Kind, text)
			}
		}
	}
	t.Logf("sealed in the store, by kind: %v; %d secrets in all", kinds, len(k.all))
	if len(kinds) < 2 {
		t.Error("signing keys and MAC keys are sealed in a store; they were not found")
	}
}

func TestASecretIsFoundInEveryForm(t *testing.T) {
	raw := []byte("thirty-two bytes of a private d!")
	s := secret{"it", raw}
	for shift := range 4 {
		around := append(append(bytes.Repeat([]byte{0xA5}, shift), raw...), 0x5A, 0xA5)
		for name, text := range map[string]string{
			"as it is": string(around), "hex": hex.EncodeToString(around), "HEX": strings.ToUpper(hex.EncodeToString(around)),
			"base64": base64.StdEncoding.EncodeToString(around), "base64url": base64.RawURLEncoding.EncodeToString(around),
		} {
			found := false
			for _, needle := range s.forms() {
				found = found || strings.Contains(text, string(needle))
			}
			if !found {
				t.Errorf("not found in %s after %d bytes", name, shift)
			}
		}
	}
}
