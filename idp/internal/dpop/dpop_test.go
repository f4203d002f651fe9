package dpop

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

const endpoint = "https://id.example/oauth2/token"

// world is two nodes of one issuer.
type world struct {
	*Service
	other *Service
	store *data.Store
	now   time.Time
}

func newWorld(t *testing.T, edit ...func(*Options)) *world {
	t.Helper()
	w := &world{now: time.Unix(1700000000, 0)}
	clock := func() time.Time { return w.now }
	store, err := data.Open(t.Context(), mem.New(), data.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	o := Options{Replays: store, Key: bytes.Repeat([]byte{7}, 32), Now: clock, RequireNonce: true}
	for _, e := range edit {
		e(&o)
	}
	for _, node := range []**Service{&w.Service, &w.other} {
		if *node, err = New(o); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) proof(key dpoptest.Key, edit ...func(*dpoptest.Parts)) http.Header {
	return header(key.Proof("POST", endpoint, w.now, append([]func(*dpoptest.Parts){dpoptest.WithNonce(w.Nonce())}, edit...)...))
}

func header(proofs ...string) http.Header {
	h := make(http.Header)
	for _, p := range proofs {
		h.Add("DPoP", p)
	}
	return h
}

// refused wants a *wire.Error with code, and returns it.
func refused(t *testing.T, err error, code string) *wire.Error {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return e
}

func TestAProofGivesTheThumbprintOfItsKey(t *testing.T) {
	w, key := newWorld(t), dpoptest.NewKey(t, "ES256")
	if jkt, err := w.Check(t.Context(), w.proof(key), "POST", endpoint, ""); err != nil || jkt != key.JKT() {
		t.Errorf("got %q, %v", jkt, err)
	}
}

func TestAProofIsForTheEndpointThatItNames(t *testing.T) {
	w, key := newWorld(t), dpoptest.NewKey(t, "ES256")
	const userinfo = "https://id.example/userinfo"
	h := header(key.Proof("GET", userinfo, w.now, dpoptest.WithNonce(w.Nonce())))
	if jkt, err := w.Check(t.Context(), h, "GET", userinfo, ""); err != nil || jkt != key.JKT() {
		t.Errorf("got %q, %v", jkt, err)
	}
}

func TestOnlyTheAllowedAlgorithmsAreAccepted(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Algs = []string{"EdDSA"} })
	if _, err := w.Check(t.Context(), w.proof(dpoptest.NewKey(t, "EdDSA")), "POST", endpoint, ""); err != nil {
		t.Error(err)
	}
	_, err := w.Check(t.Context(), w.proof(dpoptest.NewKey(t, "ES256")), "POST", endpoint, "")
	refused(t, err, wire.CodeInvalidDPoPProof)
}

func TestNoHeaderIsNoProofAndNoError(t *testing.T) {
	w := newWorld(t)
	if jkt, err := w.Check(t.Context(), http.Header{}, "POST", endpoint, ""); err != nil || jkt != "" {
		t.Errorf("got %q, %v", jkt, err)
	}
}

func TestBadProofsAreRefused(t *testing.T) {
	w, key := newWorld(t), dpoptest.NewKey(t, "ES256")
	proof := func(edit ...func(*dpoptest.Parts)) string { return w.proof(key, edit...).Get("DPoP") }
	good := proof()
	for _, c := range []struct {
		name string
		h    http.Header
		code string
	}{
		{"two headers", header(good, good), wire.CodeInvalidDPoPProof},
		{"two headers, one empty", header(good, ""), wire.CodeInvalidDPoPProof},
		{"an empty header", header(""), wire.CodeInvalidDPoPProof},
		{"two proofs in one header", header(good + ", " + good), wire.CodeInvalidDPoPProof},
		{"another method", header(key.Proof("GET", endpoint, w.now)), wire.CodeInvalidDPoPProof},
		{"another endpoint", header(key.Proof("POST", "https://id.example/oauth2/par", w.now)), wire.CodeInvalidDPoPProof},
		{"another issuer", header(key.Proof("POST", "https://evil.example/oauth2/token", w.now)), wire.CodeInvalidDPoPProof},
		{"an old proof", header(proof(func(p *dpoptest.Parts) { p.Claims["iat"] = w.now.Add(-time.Minute).Unix() })), wire.CodeInvalidDPoPProof},
		{"a symmetric alg", header(proof(func(p *dpoptest.Parts) { p.Header["alg"] = "HS256" })), wire.CodeInvalidDPoPProof},
		{"no nonce", header(key.Proof("POST", endpoint, w.now)), wire.CodeUseDPoPNonce},
		{"a nonce that is not ours", header(proof(dpoptest.WithNonce("x"))), wire.CodeUseDPoPNonce},
		{"an empty nonce", header(proof(dpoptest.WithNonce(""))), wire.CodeUseDPoPNonce},
	} {
		t.Run(c.name, func(t *testing.T) {
			jkt, err := w.Check(t.Context(), c.h, "POST", endpoint, "")
			e := refused(t, err, c.code)
			if jkt != "" || e.Status != http.StatusBadRequest || e.DPoPNonce != w.Nonce() || e.Challenge != "" {
				t.Errorf("got %q, %+v", jkt, e)
			}
		})
	}
	// None of them has spent the good one.
	if _, err := w.Check(t.Context(), header(good), "POST", endpoint, ""); err != nil {
		t.Error(err)
	}
}

func TestWithAnAccessTokenTheAnswerIsThatOfAResource(t *testing.T) {
	w, key := newWorld(t, func(o *Options) { o.Algs = []string{"ES256", "EdDSA"} }), dpoptest.NewKey(t, "ES256")
	if jkt, err := w.Check(t.Context(), w.proof(key, dpoptest.ForToken("tok")), "POST", endpoint, "tok"); err != nil || jkt != key.JKT() {
		t.Errorf("got %q, %v", jkt, err)
	}
	for _, c := range []struct {
		h         http.Header
		code      string
		challenge string
	}{
		{w.proof(key), wire.CodeInvalidDPoPProof, `DPoP error="invalid_dpop_proof", algs="ES256 EdDSA"`},
		{w.proof(key, dpoptest.ForToken("other")), wire.CodeInvalidDPoPProof, `DPoP error="invalid_dpop_proof", algs="ES256 EdDSA"`},
		{w.proof(key, dpoptest.ForToken("tok"), dpoptest.WithNonce("x")), wire.CodeUseDPoPNonce, `DPoP error="use_dpop_nonce", algs="ES256 EdDSA"`},
	} {
		_, err := w.Check(t.Context(), c.h, "POST", endpoint, "tok")
		if e := refused(t, err, c.code); e.Status != http.StatusUnauthorized || e.Challenge != c.challenge || e.DPoPNonce != w.Nonce() {
			t.Errorf("got %+v", e)
		}
	}
	if got := w.Challenge(""); got != `DPoP algs="ES256 EdDSA"` {
		t.Errorf("got %q", got)
	}
}

func TestANonceIsGoodForTheNextSpanOnEveryNode(t *testing.T) {
	w, key := newWorld(t), dpoptest.NewKey(t, "ES256")
	w.now = time.Unix(1700000100, 0) // a span begins here
	nonce := w.Nonce()
	for _, c := range []struct {
		at   time.Duration
		good bool
	}{{0, true}, {5 * time.Minute, true}, {10*time.Minute - time.Second, true}, {10 * time.Minute, false}} {
		w.now = time.Unix(1700000100, 0).Add(c.at)
		_, err := w.other.Check(t.Context(), w.proof(key, dpoptest.WithNonce(nonce)), "POST", endpoint, "")
		if c.good && err != nil {
			t.Errorf("after %s: %v", c.at, err)
		}
		if !c.good {
			e := refused(t, err, wire.CodeUseDPoPNonce)
			if _, err := w.Check(t.Context(), w.proof(key, dpoptest.WithNonce(e.DPoPNonce)), "POST", endpoint, ""); err != nil {
				t.Errorf("with the nonce that was given: %v", err)
			}
		}
	}
}

func TestWithoutNoncesNoneIsAskedFor(t *testing.T) {
	w, key := newWorld(t, func(o *Options) { o.RequireNonce = false }), dpoptest.NewKey(t, "ES256")
	if w.Nonce() != "" {
		t.Error("there is a nonce")
	}
	if _, err := w.Check(t.Context(), header(key.Proof("POST", endpoint, w.now)), "POST", endpoint, ""); err != nil {
		t.Error(err)
	}
	// A client may still send one that it has from before.
	if _, err := w.Check(t.Context(), header(key.Proof("POST", endpoint, w.now, dpoptest.WithNonce("x"))), "POST", endpoint, ""); err != nil {
		t.Error(err)
	}
}

func TestAProofWorksOnceAsLongAsItIsGood(t *testing.T) {
	w, key := newWorld(t), dpoptest.NewKey(t, "ES256")
	start := w.now
	ahead := w.proof(key, func(p *dpoptest.Parts) { p.Claims["iat"] = start.Add(30 * time.Second).Unix() })
	if _, err := w.Check(t.Context(), ahead, "POST", endpoint, ""); err != nil {
		t.Fatal(err)
	}
	for after := time.Duration(0); after < 3*time.Minute; after += 5 * time.Second {
		w.now = start.Add(after)
		_, err := w.other.Check(t.Context(), ahead, "POST", endpoint, "")
		refused(t, err, wire.CodeInvalidDPoPProof)
	}
}

// TestOneOfAHundredPresentationsWorks presents one proof to two nodes at once.
func TestOneOfAHundredPresentationsWorks(t *testing.T) {
	w, key := newWorld(t), dpoptest.NewKey(t, "ES256")
	h := w.proof(key)
	start, accepted := make(chan struct{}), atomic.Int32{}
	var wg sync.WaitGroup
	for i := range 100 {
		node := w.Service
		if i%2 == 1 {
			node = w.other
		}
		wg.Go(func() {
			<-start
			jkt, err := node.Check(context.Background(), h, "POST", endpoint, "")
			var e *wire.Error
			switch {
			case err == nil && jkt == key.JKT():
				accepted.Add(1)
			case !errors.As(err, &e) || e.Code != wire.CodeInvalidDPoPProof:
				t.Errorf("got %q, %v", jkt, err)
			}
		})
	}
	close(start)
	wg.Wait()
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d were accepted", n)
	}
}

func TestVerifyWritesNothing(t *testing.T) {
	w, key := newWorld(t), dpoptest.NewKey(t, "ES256")
	h := w.proof(key)
	for range 2 {
		p, err := w.Verify(h, "POST", endpoint, "")
		if err != nil || p.JKT != key.JKT() {
			t.Fatalf("got %+v, %v", p, err)
		}
		if seen, err := w.store.Remembered(t.Context(), replayKind, p.ID); seen || err != nil {
			t.Fatalf("remembered: %t, %v", seen, err)
		}
	}
}

var errStore = errors.New("the store is gone")

type broken struct{}

func (broken) Remember(context.Context, string, [32]byte, time.Time) (bool, error) {
	return true, errStore
}

func TestAProofThatCannotBeRememberedIsNotAccepted(t *testing.T) {
	w, key := newWorld(t, func(o *Options) { o.Replays = broken{} }), dpoptest.NewKey(t, "ES256")
	if jkt, err := w.Check(t.Context(), w.proof(key), "POST", endpoint, ""); jkt != "" || !errors.Is(err, errStore) {
		t.Errorf("got %q, %v", jkt, err)
	}
}

func TestNewRefusesWhatCannotBeRight(t *testing.T) {
	good := Options{Replays: broken{}, Key: make([]byte, 32), Now: time.Now}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*Options){
		"no store":          func(o *Options) { o.Replays = nil },
		"no clock":          func(o *Options) { o.Now = nil },
		"a short key":       func(o *Options) { o.Key = o.Key[:16] },
		"a symmetric alg":   func(o *Options) { o.Algs = []string{"HS256"} },
		"a negative age":    func(o *Options) { o.MaxAge = -1 },
		"a negative skew":   func(o *Options) { o.Skew = -1 },
		"a span of nothing": func(o *Options) { o.NonceSpan = 1 },
	} {
		o := good
		edit(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
