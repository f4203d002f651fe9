package token

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"signet/data"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The answers on the wire: others parse them. In place of each JWT stand its
// header and its payload; what is random is marked.
func TestTheAnswersStayAsTheyAre(t *testing.T) {
	key, issuerKey := dpoptest.NewKey(t, "ES256"), newSigner("k1")
	proof := func() string { return key.Proof("POST", endpoint, moment) }
	cases := map[string]func(*world) answered{
		"code":               func(w *world) answered { return w.post(w.redeeming(w.newCode())) },
		"code-dpop":          func(w *world) answered { return w.post(w.redeeming(w.newCode(), asProof, proof())) },
		"code-without-more":  func(w *world) answered { return w.post(w.redeeming(w.onceCode(), asBasic, "", "client_id", "once")) },
		"refresh":            func(w *world) answered { return w.post(refreshing(w.post(w.redeeming(w.newCode())).ok().RefreshToken)) },
		"client-credentials": func(w *world) answered { return w.post(itself("scope", "posts")) },
		"device": func(w *world) answered {
			codes := w.newDevice()
			w.decide(codes, data.Allowed)
			return w.post(polling(codes))
		},
		"exchange": func(w *world) answered { return w.post(exchanging(w.subject())) },
		"exchange-delegated": func(w *world) answered {
			return w.post(exchanging(w.subject(), "actor_token", w.own(apiSecret), "actor_token_type", wire.TokenTypeAccess))
		},
		"assertion": func(w *world) answered {
			w.publish(issuerKey)
			return w.post(asserting(issuerKey.assert(nil)))
		},
	}
	for name, ask := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := ask(w)
			a.ok()
			got := readable(t, w, a.body, key)
			file := filepath.Join("testdata", "golden", name+".json")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || got != string(want) {
				t.Errorf("%v; got\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

// onceCode is a code of a client that asks for nothing in particular.
func (w *world) onceCode() string {
	return w.newCode(func(c *data.Code) {
		c.Authorization = data.Authorization{Client: "once", User: w.user.ID, Epoch: w.user.Epoch, AuthTime: moment}
	})
}

var (
	aJWT     = regexp.MustCompile(`"eyJ[^"]+"`)
	aRefresh = regexp.MustCompile(`signet_rt_[A-Za-z0-9_-]+`)
	anIndex  = regexp.MustCompile(`"idx": [0-9]+`)
	aList    = regexp.MustCompile(`/oauth2/status_lists/[A-Za-z0-9_-]{22}"`)
	aRandom  = regexp.MustCompile(`"(kid|jti|sid|at_hash)": "([A-Za-z0-9_-]{16,})"`)
)

func readable(t *testing.T, w *world, body string, key dpoptest.Key) string {
	body = aJWT.ReplaceAllStringFunc(body, func(jwt string) string {
		jwt = strings.Trim(jwt, `"`)
		raw, err := json.Marshal(payload(t, jwt))
		if err != nil {
			t.Fatal(err)
		}
		return `{"header": ` + header(t, jwt) + `, "payload": ` + string(raw) + `}`
	})
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(body), "", "  "); err != nil {
		t.Fatal(err)
	}
	body = aRandom.ReplaceAllString(out.String(), `"$1": "[random]"`)
	body = aList.ReplaceAllString(anIndex.ReplaceAllString(body, `"idx": "[random]"`), `/oauth2/status_lists/[random]"`)
	body = aRefresh.ReplaceAllString(body, "signet_rt_[random]")
	return strings.ReplaceAll(strings.ReplaceAll(body, string(w.user.ID), "[ada]"), key.JKT(), "[the key]")
}
