package resource_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// signedList is the list as it is now, with its header and its claims changed.
func signedList(t *testing.T, i *issuertest.Issuer, id string, header map[string]any, edit func(*token.StatusList)) string {
	t.Helper()
	h := i.ListHeader()
	maps.Copy(h, header)
	l := i.List(id)
	if edit != nil {
		edit(&l)
	}
	payload, err := l.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return issuertest.Sign(t, i.Key(), h, payload)
}

func TestAListThatIsNotTheIssuersIsNotBelieved(t *testing.T) {
	type change = map[string]any
	edited := func(edit func(*token.StatusList)) func(*testing.T, *issuertest.Issuer) string {
		return func(t *testing.T, i *issuertest.Issuer) string { return signedList(t, i, "a", nil, edit) }
	}
	headed := func(h change) func(*testing.T, *issuertest.Issuer) string {
		return func(t *testing.T, i *issuertest.Issuer) string { return signedList(t, i, "a", h, nil) }
	}
	signed := func(alg token.Alg, kid string) func(*testing.T, *issuertest.Issuer) string {
		return func(t *testing.T, i *issuertest.Issuer) string {
			l := i.List("a")
			payload, _ := l.Marshal()
			h := i.ListHeader()
			h["alg"], h["kid"] = alg, kid
			return issuertest.Sign(t, issuertest.NewKey(t, alg, kid), h, payload)
		}
	}
	for _, c := range []struct {
		name    string
		body    func(*testing.T, *issuertest.Issuer) string
		problem string
	}{
		{"a key that is not published", signed(token.ES256, "other"), "does not publish"},
		{"another key of that name", signed(token.ES256, "k1"), "signature is wrong"},
		{"another key of that name and algorithm", signed(token.EdDSA, "k1"), "not that of its key"},
		{"an access token", func(_ *testing.T, i *issuertest.Issuer) string { return i.Token() }, "not a Status List Token"},
		{"an ID token", headed(change{"typ": "JWT"}), "not a Status List Token"},
		{"no typ", headed(change{"typ": ""}), "not a Status List Token"},
		{"no algorithm", headed(change{"alg": "none"}), "not that of its key"},
		{"a symmetric algorithm", headed(change{"alg": "HS256"}), "not that of its key"},
		{"no kid", headed(change{"kid": ""}), "header is not accepted"},
		{"a key of its own", headed(change{"jwk": change{}}), "header is not accepted"},
		{"a place of keys of its own", headed(change{"jku": "https://evil.example"}), "header is not accepted"},
		{"a certificate", headed(change{"x5c": []string{}}), "header is not accepted"},
		{"an extension", headed(change{"crit": []string{"b64"}}), "header is not accepted"},
		{"a packed payload", headed(change{"zip": "DEF"}), "header is not accepted"},
		{"another issuer", edited(func(l *token.StatusList) { l.Issuer += "/" }), "another issuer's"},
		{"another list", edited(func(l *token.StatusList) { l.Subject += "b" }), "another list"},
		{"no list", edited(func(l *token.StatusList) { l.Subject = "" }), "another list"},
		{"no date", func(t *testing.T, i *issuertest.Issuer) string {
			payload := `{"iss":"` + issuerURL + `","sub":"` + issuerURL + listA + `","status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}`
			return issuertest.Sign(t, i.Key(), i.ListHeader(), []byte(payload))
		}, "not dated"},
		{"a date ahead", edited(func(l *token.StatusList) { l.IssuedAt += 60 }), "from the future"},
		{"its time is over", edited(func(l *token.StatusList) { l.Expiry = l.IssuedAt }), "expired"},
		{"nothing", func(*testing.T, *issuertest.Issuer) string { return "" }, "compact JWS"},
		{"a page", func(*testing.T, *issuertest.Issuer) string { return "<html>" }, "compact JWS"},
		{"a line break", func(t *testing.T, i *issuertest.Issuer) string { return signedList(t, i, "a", nil, nil) + "\n" }, "compact JWS"},
		{"no end", func(*testing.T, *issuertest.Issuer) string { return strings.Repeat("a", 3<<20) }, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				a := i.OpenList("a", 8, false)
				i.PutList("a", c.body(t, i))
				v := start()
				wantVerify(t, v, i.Token(issuertest.At(a, 1)), resource.ErrUnavailable)
				if h := v.Health(); !strings.Contains(h.Problem, c.problem) || h.State != resource.Outage {
					t.Errorf("got %+v, want the problem %q", h, c.problem)
				}
				i.Revoke("a", 2) // which publishes it as it should be
				time.Sleep(20 * time.Second)
				wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
				wantVerify(t, v, i.Token(issuertest.At(a, 2)), resource.ErrRevoked)
				wantState(t, v, resource.Following)
			})
		})
	}
}

func TestAListIsNoAccessToken(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	i.OpenList("a", 8, false)
	refused(t, newVerifier(t, static(i.Key())), signedList(t, i, "a", nil, nil), resource.ErrTyp)
}

func TestAListIsFetchedFromTheIssuerAndNobodyElse(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 8, false)
		v := start()
		wantVerify(t, v, unknownKid(t, i, "x"), resource.ErrUnknownKey)
		synctest.Wait()
		i.Set(func(k *issuertest.Knobs) {
			k.Override = func(_ http.ResponseWriter, r *http.Request) bool {
				t.Errorf("%s was asked for", r.URL)
				return false
			}
		})
		for _, uri := range []string{
			"https://evil.example/list", "https://id.example.evil.example/list", "https://id.example", "https://id.example/",
			"https://id.example:8443/list", "http://id.example/list", "https://ID.example/list", "https://user@id.example/list",
			"https://id.example@evil.example/list", "//id.example/list", "/list", "list", "file:///etc/passwd",
			a + "?x=1", a + "?", a + "#x", a + "/", a + "//b", a + "/../a", a + "/./b", issuerURL + "/../list", issuerURL + "/..",
			a + "%2f..", a + "/%2e%2e/b", a + "%00", a + "\\b", a + " ", a + "\n", a + "é", a + strings.Repeat("a", 1024),
		} {
			wantVerify(t, v, i.Token(issuertest.At(uri, 1)), resource.ErrStatus)
		}
		if n := v.Health().Lists; n != 0 {
			t.Errorf("%d lists are followed", n)
		}
		i.Set(func(k *issuertest.Knobs) { k.Override = nil })
	})
}

func TestTheMetadataCannotSendUsElsewhereForLists(t *testing.T) {
	for _, uri := range []string{"https://evil.example/lists", "https://id.example.evil.example/", "http://id.example/lists", "/lists", "https://id.example/lists?all"} {
		inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
			i.Set(func(k *issuertest.Knobs) { k.ListsURI = uri })
			v := start()
			wantVerify(t, v, i.Token(), resource.ErrUnavailable)
			if h := v.Health(); !strings.Contains(h.Problem, "status_list_aggregation_endpoint") {
				t.Errorf("%s: got %+v", uri, h)
			}
		})
	}
}

func TestAPlaceThatTheListDoesNotHaveIsNoPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		v := start()
		for place, want := range map[int]error{15: nil, 16: resource.ErrStatus, 1<<32 - 1: resource.ErrStatus} {
			wantVerify(t, v, i.Token(issuertest.At(a, place)), want)
		}
	})
}

func TestAnOlderCopyUnsetsNothing(t *testing.T) {
	for _, opt := range []resource.Option{resource.WithLongPoll(25 * time.Second), resource.WithLongPoll(0)} {
		inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
			i.Set(func(k *issuertest.Knobs) { k.MaxAge = 10 })
			a := i.OpenList("a", 16, false)
			raw, other := i.Token(lasting, issuertest.At(a, 1)), i.Token(lasting, issuertest.At(a, 2))
			v := start(opt)
			wantVerify(t, v, raw, nil)
			i.Revoke("a", 1)
			time.Sleep(11 * time.Second)
			wantVerify(t, v, raw, resource.ErrRevoked)
			told := v.Health().StatusConfirmed
			i.PutList("a", signedList(t, i, "a", nil, func(l *token.StatusList) {
				l.Bits, l.IssuedAt = []byte{1 << 2, 0}, l.IssuedAt-11 // as old as the list with the bit
			}))
			time.Sleep(time.Minute)
			wantVerify(t, v, raw, resource.ErrRevoked)
			wantVerify(t, v, other, resource.ErrRevoked) // what it adds is believed
			wantState(t, v, resource.Outage)
			if now := v.Health().StatusConfirmed; now.Sub(told) > 10*time.Second {
				t.Errorf("an older copy confirmed the list, %s later", now.Sub(told))
			}
			i.Revoke("a", 2)
			time.Sleep(11 * time.Second)
			wantState(t, v, resource.Following)
		})
	}
}

func TestAnIssuerThatForgotABitIsFollowedAndTheBitStays(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		v := start(resource.WithStatusMaxStale(10 * time.Minute))
		raw, dead := i.Token(lasting, issuertest.At(a, 1)), i.Token(lasting, issuertest.At(a, 2))
		i.Revoke("a", 2)
		wantVerify(t, v, raw, nil)
		time.Sleep(time.Second)
		i.PutList("a", signedList(t, i, "a", nil, func(l *token.StatusList) { l.Bits = []byte{0, 0} }))
		time.Sleep(time.Hour)
		wantState(t, v, resource.Following)
		wantVerify(t, v, raw, nil)
		wantVerify(t, v, dead, resource.ErrRevoked)
	})
}

func TestAListDoesNotBecomeShorter(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		v := start()
		raw := i.Token(lasting, issuertest.At(a, 15))
		wantVerify(t, v, raw, nil)
		i.PutList("a", signedList(t, i, "a", nil, func(l *token.StatusList) { l.Bits = []byte{0xff} }))
		time.Sleep(time.Minute)
		wantVerify(t, v, raw, nil)
		if h := v.Health(); h.State != resource.Outage || !strings.Contains(h.Problem, "shorter") {
			t.Errorf("got %+v", h)
		}
		i.PutList("a", signedList(t, i, "a", nil, func(l *token.StatusList) { l.Bits = []byte{0, 0x80, 0} }))
		time.Sleep(10 * time.Second)
		wantVerify(t, v, raw, resource.ErrRevoked)
	})
}

// The specification asks for no iss: the key and the name say whose list it is.
func TestAListNeedNotNameItsIssuer(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		i.PutList("a", signedList(t, i, "a", nil, func(l *token.StatusList) { l.Issuer, l.Bits[0] = "", 1<<2 }))
		v := start()
		wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
		wantVerify(t, v, i.Token(issuertest.At(a, 2)), resource.ErrRevoked)
	})
}

func TestAListMayBeSignedOtherwiseThanTokens(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		ed := issuertest.NewKey(t, token.EdDSA, "ed")
		i.Publish(i.Key(), ed)
		payload, _ := i.List("a").Marshal()
		h := map[string]any{"alg": token.EdDSA, "kid": "ed", "typ": "application/statuslist+jwt"}
		i.PutList("a", issuertest.Sign(t, ed, h, payload))
		v := start(resource.WithAlgs(token.ES256))
		wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
		claims := i.Claims()
		issuertest.At(a, 1)(&claims)
		payload, _ = claims.Marshal()
		h["typ"] = token.TypAccess
		wantVerify(t, v, issuertest.Sign(t, ed, h, payload), resource.ErrAlgorithm)
	})
}
