package token

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

// RFC 9449, section 8: the client is told which nonce to use, and uses it.
func TestAProofNeedsTheNonceOfTheIssuer(t *testing.T) {
	w := newWorld(t)
	w.api.Proofs = w.proofs(true)
	key := dpoptest.NewKey(t, "ES256")
	code := w.newCode()
	e := w.post(w.redeeming(code, asProof, key.Proof("POST", endpoint, moment))).refused(wire.CodeUseDPoPNonce)
	if e.DPoPNonce == "" {
		t.Fatal("no nonce comes with the refusal")
	}
	got := w.post(w.redeeming(code, asProof, key.Proof("POST", endpoint, moment, dpoptest.WithNonce(e.DPoPNonce))))
	got.ok()
	if got.header.Get("DPoP-Nonce") == "" { // section 8.2
		t.Error("no nonce comes with the tokens")
	}
	if w.post(itself()).header.Get("DPoP-Nonce") != "" {
		t.Error("a nonce comes although there was no proof")
	}
	bound := w.newCode(func(c *data.Code) { c.Authorization.Client = "strict" })
	if e := w.post(w.redeeming(bound, asBasic, "", "client_id", "strict")).refused(wire.CodeInvalidDPoPProof); e.DPoPNonce == "" {
		t.Error("no nonce comes where the proof is missing")
	}
}

// RFC 9449, section 11.1, of a hundred at once.
func TestAProofWorksOnce(t *testing.T) {
	w := newWorld(t)
	proof := dpoptest.NewKey(t, "ES256").Proof("POST", endpoint, moment)
	worked := 0
	for _, a := range atOnce(100, func() answered { return w.post(itself(asProof, proof)) }) {
		if a.err == nil {
			worked++
			continue
		}
		a.refused(wire.CodeInvalidDPoPProof)
	}
	if worked != 1 {
		t.Errorf("it worked %d times", worked)
	}
}

// A client that nobody knows, or that has not proved itself, costs no write
// and no proof.
func TestTheClientComesFirst(t *testing.T) {
	w := newWorld(t)
	code, proof := w.newCode(), dpoptest.NewKey(t, "ES256").Proof("POST", endpoint, moment)
	before := w.engine.Writes.Load()
	w.post(w.redeeming(code, asBasic, "web:wrong", asProof, proof)).refused(wire.CodeInvalidClient)
	w.post(w.redeeming(code, asBasic, "nobody:wrong", asProof, proof)).refused(wire.CodeInvalidClient)
	w.post(itself(asBasic, webSecret, asProof, proof)).refused(wire.CodeUnauthorizedClient)
	w.post(itself("audience", "nobody", asProof, proof)).refused(wire.CodeInvalidTarget)
	if w.engine.Writes.Load() != before {
		t.Error("something was written")
	}
	w.post(w.redeeming(code, asProof, proof)).ok()
}

func TestAClientThatRegisteredItselfIsMarkedAsUsedOnce(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.must(w.store.CreateClient(ctx, data.Client{ID: "dyn", Registered: true, ExpiresAt: moment.Add(24 * time.Hour), SecretHash: data.HashOf("s"),
		Metadata: data.Metadata{AuthMethod: wire.AuthClientSecretBasic, GrantTypes: []string{wire.GrantClientCredentials}}}, 0))
	w.post(itself(asBasic, "dyn:s", "scope", "nothing")).refused(wire.CodeInvalidScope)
	if c, err := w.store.Client(ctx, "dyn"); err != nil || c.Used {
		t.Errorf("after a refusal: %+v, %v", c, err)
	}
	w.post(itself(asBasic, "dyn:s")).ok()
	if c, err := w.store.Client(ctx, "dyn"); err != nil || !c.Used || !c.ExpiresAt.IsZero() {
		t.Errorf("after its first token: %+v, %v", c, err)
	}
	before := w.engine.Writes.Load()
	w.post(itself(asBasic, "dyn:s")).ok()
	if w.engine.Writes.Load() != before {
		t.Error("it is marked again")
	}
}

// What fails on our side is no fault of the grant: the client must not throw
// it away.
func TestAFailureOfOursIsNoInvalidGrant(t *testing.T) {
	for _, cause := range []error{kv.ErrBusy, errors.New("disk")} {
		if err := refusal(cause); !errors.Is(err, cause) || errors.As(err, new(*wire.Error)) {
			t.Errorf("%v became %v", cause, err)
		}
	}
}

// RFC 6749, section 2.3.1: credentials and parameters in the URL do not count.
func TestTheQueryOfTheURLIsNotRead(t *testing.T) {
	w := newWorld(t)
	a := w.raw("grant_type=client_credentials", http.Header{})
	a.refused(wire.CodeInvalidClient)
}

// Nothing that a stranger sent is in an error or in the log.
func TestNoSecretIsToldOrLogged(t *testing.T) {
	w := newWorld(t)
	code := w.newCode()
	first := w.post(w.redeeming(code)).ok()
	w.post(w.redeeming(code)).refused(wire.CodeInvalidGrant)
	secrets := []string{code, verifier, first.RefreshToken, first.AccessToken, webSecret[4:], "hunter2"}
	for _, form := range []sent{
		refreshing(first.RefreshToken), w.redeeming("hunter2"), exchanging(first.AccessToken + "hunter2"),
		asserting("hunter2"), refreshing("x", asBasic, "web:hunter2"), {asBasic: webSecret, "grant_type": "hunter2"},
		{"client_id": "app", "grant_type": wire.GrantDeviceCode, "device_code": "hunter2"}, itself("scope", "hunter2"), itself("audience", "hunter2"),
	} {
		a := w.post(form)
		if a.err == nil {
			t.Fatalf("%v: %s", form["grant_type"], a.body)
		}
		said := a.err.Error() + w.logged.String()
		if a.err.Cause != nil {
			said += a.err.Cause.Error()
		}
		for _, s := range secrets {
			if strings.Contains(said, s) {
				t.Errorf("%s: it says %q", form["grant_type"], said)
			}
		}
	}
}
