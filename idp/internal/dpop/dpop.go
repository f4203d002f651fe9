package dpop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"signet/idp/internal/wire"
	"signet/resource/dpop"
)

// Replays remembers which proofs were seen, on all nodes; data.Store does.
type Replays interface {
	// Remember tells whether id of that kind is seen for the first time. Of
	// any number of callers, one hears so.
	Remember(ctx context.Context, kind string, id [32]byte, until time.Time) (fresh bool, err error)
}

// replayKind is the kind of what is remembered here.
const replayKind = "dpop"

// Options of a Service. Replays, Key and Now must be there.
type Options struct {
	Replays Replays
	Key     []byte           // for nonces: dpop.NonceKeySize random bytes, the same on all nodes
	Now     func() time.Time // the present

	RequireNonce bool          // refuse proofs without a nonce of ours (RFC 9449, section 8)
	NonceSpan    time.Duration // a nonce is good in the span that it was made in and in the next; 5 minutes unless set
	MaxAge       time.Duration // how long after its iat a proof is good; 1 minute unless set
	Skew         time.Duration // how far ahead a client's clock may be; 30 seconds unless set
	Algs         []string      // accepted algorithms, of dpop.Algs; all of them unless set
}

// Service checks the proofs that come to the issuer. Its methods may be called
// at once.
type Service struct {
	o      Options
	nonces *dpop.Nonces
}

// New returns a Service. The error is about the options.
func New(o Options) (*Service, error) {
	if o.NonceSpan == 0 {
		o.NonceSpan = 5 * time.Minute
	}
	if o.MaxAge == 0 {
		o.MaxAge = time.Minute
	}
	if o.Skew == 0 {
		o.Skew = 30 * time.Second
	}
	if o.Algs == nil {
		o.Algs = dpop.Algs()
	}
	for _, alg := range o.Algs {
		if !dpop.Known(alg) {
			return nil, fmt.Errorf("dpop: the algorithm %q is not supported", alg)
		}
	}
	if o.MaxAge < 0 || o.Skew < 0 || o.Replays == nil || o.Now == nil {
		return nil, errors.New("dpop: the store, the clock, the age and the skew of proofs must be given")
	}
	nonces, err := dpop.NewNonces(o.Key, o.NonceSpan)
	if err != nil {
		return nil, err
	}
	return &Service{o: o, nonces: nonces}, nil
}

// Algs are the accepted algorithms, for dpop_signing_alg_values_supported.
func (s *Service) Algs() []string { return s.o.Algs }

// Nonce is what an answer to a request with a proof carries in its DPoP-Nonce
// header (RFC 9449, section 8.2), or empty when no nonce is asked for.
func (s *Service) Nonce() string {
	if !s.o.RequireNonce {
		return ""
	}
	return s.nonces.At(s.o.Now())
}

// Check verifies the proof of a request, if there is one, and lets it work
// this once. It returns the thumbprint of the proof's key, or "" when the
// request has no DPoP header. url is the endpoint's own, as clients know it;
// accessToken is what the request presents as one, or "". A *wire.Error says
// why a proof is refused; other errors are the store's.
func (s *Service) Check(ctx context.Context, header http.Header, method, url, accessToken string) (jkt string, err error) {
	p, err := s.Verify(header, method, url, accessToken)
	if err != nil || p.JKT == "" {
		return "", err
	}
	if err := s.Spend(ctx, p, accessToken); err != nil {
		return "", err
	}
	return p.JKT, nil
}

// Verify is Check without its last step, and writes nothing: whoever calls it
// calls Spend before anything comes of the proof. That way a stranger's proof
// costs no write where something else is wrong with the request. The proof has
// no JKT when the request has no DPoP header.
func (s *Service) Verify(header http.Header, method, url, accessToken string) (dpop.Proof, error) {
	values := header.Values("DPoP")
	if len(values) == 0 {
		return dpop.Proof{}, nil
	}
	if len(values) > 1 { // RFC 9449, section 4.3, step 1
		return dpop.Proof{}, s.refuse(wire.CodeInvalidDPoPProof, "There is more than one DPoP header.", accessToken, nil)
	}
	now := s.o.Now()
	p, err := dpop.Verify(values[0], dpop.Expect{Method: method, URL: url, AccessToken: accessToken,
		Now: now, MaxAge: s.o.MaxAge, Skew: s.o.Skew, Algs: s.o.Algs})
	if err != nil {
		return dpop.Proof{}, s.refuse(wire.CodeInvalidDPoPProof, sentence(dpop.Reason(err)), accessToken, err)
	}
	if s.o.RequireNonce && !s.nonces.Good(p.Nonce, now) {
		return dpop.Proof{}, s.refuse(wire.CodeUseDPoPNonce, "The proof needs the nonce of the DPoP-Nonce header.", accessToken, nil)
	}
	return p, nil
}

// Spend lets the proof work for its one caller; to all others it is a replay
// (RFC 9449, section 11.1).
func (s *Service) Spend(ctx context.Context, p dpop.Proof, accessToken string) error {
	fresh, err := s.o.Replays.Remember(ctx, replayKind, p.ID, p.Until)
	switch {
	case err != nil:
		return err
	case !fresh:
		return s.refuse(wire.CodeInvalidDPoPProof, "The proof was used before.", accessToken, nil)
	}
	return nil
}

// refuse answers as the token endpoint does (RFC 9449, section 5), or where an
// access token was presented, as a protected resource (section 7.1). Any
// refusal may bring the present nonce along (section 8).
func (s *Service) refuse(code, description, accessToken string, cause error) error {
	e := wire.Refuse(code, description).Because(cause)
	e.DPoPNonce = s.Nonce()
	if accessToken != "" {
		e.Status = http.StatusUnauthorized
		e.Challenge = s.Challenge(code)
	}
	return e
}

// Challenge is a WWW-Authenticate value for the DPoP scheme, with an error
// code or, when that is empty, without (RFC 9449, section 7.1).
func (s *Service) Challenge(code string) string {
	algs := `algs="` + strings.Join(s.o.Algs, " ") + `"`
	if code == "" {
		return "DPoP " + algs
	}
	return `DPoP error="` + code + `", ` + algs
}

// sentence makes a reason one that stands alone.
func sentence(reason string) string {
	return strings.ToUpper(reason[:1]) + reason[1:] + "."
}
