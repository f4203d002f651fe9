package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"signet/resource/dpop"
)

// nonceSpan is how often the nonce changes; each is good for two.
const nonceSpan = 5 * time.Minute

// takeProofs makes the Verifier ready for DPoP, where it knows its own URL.
func (v *Verifier) takeProofs() error {
	if v.public != "" {
		u, err := checkIdentifier(v.public, v.insecure)
		if err != nil {
			return fmt.Errorf("resource: the public URL %q: %w", v.public, err)
		}
		v.base = u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/")
	}
	if v.base == "" {
		if v.bound || v.nonceKey != nil {
			return errors.New("resource: DPoP needs the server's own URL, by WithResource or WithPublicURL")
		}
		return nil
	}
	if v.nonceKey != nil {
		nonces, err := dpop.NewNonces(v.nonceKey, nonceSpan)
		if err != nil {
			return fmt.Errorf("resource: %w", err)
		}
		v.nonces = nonces
	}
	if v.replays = v.options.replays; v.replays == nil {
		v.replays = newMemory(v.replayRoom, v.proofAge+2*v.skew, v.now)
	}
	return nil
}

// verifyProof verifies a token that came by the DPoP scheme with the proof
// that came along (RFC 9449 section 7.1). The token is first: who has none can
// make a proof with any key, and should cost nothing. What is remembered is
// last, and only of those who hold token and key.
func (v *Verifier) verifyProof(r *http.Request, raw string) (*Token, Outcome, error) {
	t, how, err := v.known(r.Context(), raw)
	switch {
	case err != nil:
		return nil, "", err
	case t.JKT() == "":
		return nil, "", ErrUnbound
	}
	headers := r.Header.Values("DPoP")
	if len(headers) != 1 {
		return nil, "", ErrNoProof
	}
	now := v.now()
	p, err := dpop.Verify(headers[0], dpop.Expect{Method: r.Method, URL: v.url(r), AccessToken: raw,
		Now: now, MaxAge: v.proofAge, Skew: v.skew, Algs: v.proofAlgs})
	switch {
	case err != nil:
		return nil, "", err
	case p.JKT != t.JKT():
		return nil, "", ErrOtherKey
	case v.nonces != nil && !v.nonces.Good(p.Nonce, now):
		return nil, "", ErrNonce
	}
	fresh, err := v.replays.Remember(r.Context(), p.ID, p.Until)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("%w: proofs cannot be remembered: %w", ErrUnavailable, err)
	case !fresh:
		return nil, "", ErrReplay
	}
	return t, how, nil
}

// VerifyBound is Verify for a token that is bound to a key, for those who have
// verified the proof themselves: with dpop.Verify, for this token, for the
// request that they have, and once. The nonce and the replay of the proof are
// theirs.
func (v *Verifier) VerifyBound(ctx context.Context, raw string, p dpop.Proof) (*Token, error) {
	t, how, err := v.verifyBound(ctx, raw, p)
	v.count(how, err)
	return t, err
}

func (v *Verifier) verifyBound(ctx context.Context, raw string, p dpop.Proof) (*Token, Outcome, error) {
	t, how, err := v.known(ctx, raw)
	switch {
	case err != nil:
		return nil, "", err
	case t.JKT() == "":
		return nil, "", ErrUnbound
	case t.JKT() != p.JKT:
		return nil, "", ErrOtherKey
	case !p.For(raw):
		return nil, "", dpop.ErrToken
	}
	return t, how, nil
}

// url is that of r as its client sees it. The path is taken as it was sent:
// r.URL may have lost a prefix on its way to a handler.
func (v *Verifier) url(r *http.Request) string {
	path := r.RequestURI
	if path == "" { // a request that no server has read
		path = r.URL.EscapedPath()
	}
	path, _, _ = strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/") { // the absolute form (RFC 9112 section 3.2.2)
		_, path, _ = strings.Cut(path, "://")
		_, path, _ = strings.Cut(path, "/")
		path = "/" + path
	}
	// A request has no fragment: what looks like one is part of its path.
	return v.base + strings.ReplaceAll(path, "#", "%23")
}

// giveNonce puts the present nonce on an answer (RFC 9449 section 9).
func (v *Verifier) giveNonce(h http.Header) {
	if v.nonces != nil {
		h.Set("DPoP-Nonce", v.nonces.At(v.now()))
		expose(h, "DPoP-Nonce")
	}
}

// expose lets scripts of other origins read a header of the answer, where they
// may read the answer (RFC 9449 sections 7.1 and 8).
func expose(h http.Header, name string) {
	const list = "Access-Control-Expose-Headers"
	if !slices.Contains(h.Values(list), name) {
		h.Add(list, name)
	}
}
