//go:build others

package others

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"signet/prove/child"
)

// get asks with the token, if there is one, and with headers that are name and
// value in turn, spelled as they stand.
func get(t *testing.T, url, token string, headers ...string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header[headers[i]] = append(request.Header[headers[i]], headers[i+1])
	}
	answer, text := send(t, request)
	return answer.StatusCode, text
}

func send(t *testing.T, request *http.Request) (*http.Response, string) {
	t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// installed finds a server that Debian keeps where only root looks by itself.
func installed(t *testing.T, name string) string {
	t.Helper()
	if found, err := exec.LookPath(name); err == nil {
		return found
	}
	found := "/usr/sbin/" + name
	if _, err := os.Stat(found); err != nil {
		t.Fatalf("%s is not installed; .ci/run says from which package it is", name)
	}
	return found
}

// app is the program behind a verifier: it answers with the headers that it got.
func app(t *testing.T) (at string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.Header)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// judged holds a verifier at a URL to what each of them must do. lacking is its
// answer to a good signature with claims that are not enough.
func (h *house) judged(url string, lacking int) {
	h.t.Helper()
	parts := strings.Split(h.good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))
	for _, c := range []struct {
		name, token string
		status      int
	}{
		{"a good token", h.good, 200},
		{"no token", "", 401},
		{"no JWT", "not.a.token", 401},
		{"an expired token", h.expired, 401},
		{"a token of another issuer", h.foreign, lacking},
		{"a token for another audience", h.other, lacking},
		{"an ID token", h.id, lacking},
		{"a token that is bound to a key", h.bound, lacking},
		{"a tampered payload", parts[0] + "." + strings.Split(h.plain, ".")[1] + "." + parts[2], 401},
		{"a cut signature", h.good[:len(h.good)-8], 401},
		{"no signature", parts[0] + "." + parts[1] + ".", 401},
		{"alg none", none + "." + parts[1] + ".", 401},
		{"alg none with a signature", none + "." + parts[1] + "." + parts[2], 401},
	} {
		status, body := get(h.t, url, c.token)
		if status != c.status {
			h.t.Errorf("%s got %d, want %d: %s", c.name, status, c.status, body)
		}
		if passed := strings.Contains(body, h.sub); passed != (c.status == 200) {
			h.t.Errorf("%s: whether the identity arrives is %t: %s", c.name, passed, body)
		}
	}
	if status, body := get(h.t, url, h.author); status != 200 || !strings.Contains(body, claims(h.t, h.author)["sub"].(string)) {
		h.t.Errorf("a token as large as a person's can be got %d %s", status, body)
	}
	if status, body := get(h.t, url+"?access_token="+h.good, ""); status == 200 {
		h.t.Errorf("a token in the URL passes: %s", body)
	}
	if _, body := get(h.t, url, h.good); !strings.Contains(body, "author") {
		h.t.Errorf("nobody is told of the roles: %s", body)
	}
}

// smuggled are headers by which a client could say that it is root, where the
// program behind believes those of these names. CGI and its like make one name
// of all spellings.
func smuggled(names ...string) (headers [][]string) {
	for _, name := range names {
		folded := strings.ReplaceAll(name, "-", "_")
		for _, spelled := range []string{name, strings.ToLower(name), strings.ToUpper(name), folded, strings.ToUpper(folded),
			strings.Replace(name, "-", "_", 1), strings.ReplaceAll(name, "-", ".")} {
			headers = append(headers, []string{spelled, "root"}, []string{spelled, "root", "Connection", spelled})
		}
	}
	return append(headers, []string{"Connection", strings.Join(names, ", ")}, []string{"Connection", "close, Authorization"})
}

// unfooled tries them with alice's token, and with bob's, who has no roles.
func (h *house) unfooled(url string, names ...string) {
	h.t.Helper()
	for _, headers := range smuggled(names...) {
		for _, token := range []string{h.good, h.plain} {
			status, body := get(h.t, url, token, headers...)
			sub := claims(h.t, token)["sub"].(string)
			if status == 200 && (strings.Contains(body, "root") || !strings.Contains(body, sub)) {
				h.t.Errorf("%q: the program behind was told %s", headers, body)
			}
			if status != 200 && status != 400 && status != 401 {
				h.t.Errorf("%q got %d", headers, status)
			}
		}
	}
}

// eventually asks until the status is the one that is waited for, and gives how
// long that took.
func eventually(t *testing.T, url, token string, want int) time.Duration {
	t.Helper()
	began := time.Now()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for {
		status, body := get(t, url, token)
		if status == want {
			return time.Since(began)
		}
		if time.Since(began) > child.Patience {
			t.Fatalf("after %s still %d, not %d: %s", child.Patience, status, want, body)
		}
		<-every.C
	}
}
