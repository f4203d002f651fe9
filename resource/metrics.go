package resource

import (
	"context"
	"errors"
	"time"

	"signet/resource/dpop"
)

// Metrics is told what a Verifier does, so that it can be counted by whatever
// a program counts with. Its methods are called by many goroutines, while a
// request waits: they only count. Neither is told anything of a token.
type Metrics interface {
	// Verified is called once for each token or request that was verified, and
	// for each requirement that was not met.
	Verified(Outcome)
	// Fetched is called for each request to the issuer.
	Fetched(Fetch)
}

// WithMetrics tells m what becomes of tokens and of requests to the issuer.
func WithMetrics(m Metrics) Option { return func(o *options) { o.metrics = m } }

// Outcome is what became of a token or a request. There are as many as are
// listed here, so one may be the label of a counter, and their texts stay.
type Outcome string

// The outcomes. Those of a refusal are called after the error.
const (
	Accepted   Outcome = "accepted"   // at first sight
	Remembered Outcome = "remembered" // accepted, and verified before

	// Beside Accepted or Remembered: the token is good, and not enough.
	OutcomeScope          Outcome = "insufficient_scope" // or role
	OutcomeAuthentication Outcome = "insufficient_user_authentication"

	OutcomeMalformed  Outcome = "malformed"
	OutcomeHeader     Outcome = "header"
	OutcomeTyp        Outcome = "typ"
	OutcomeAlgorithm  Outcome = "algorithm"
	OutcomeIssuer     Outcome = "issuer"
	OutcomeAudience   Outcome = "audience"
	OutcomeExpired    Outcome = "expired"
	OutcomeNotYet     Outcome = "not_yet"
	OutcomeUnknownKey Outcome = "unknown_key"
	OutcomeSignature  Outcome = "signature"
	OutcomeClaims     Outcome = "claims"
	OutcomeRevoked    Outcome = "revoked"
	OutcomeStatus     Outcome = "status"
	OutcomeBinding    Outcome = "binding"
	OutcomeBound      Outcome = "bound"
	OutcomeUnbound    Outcome = "unbound"
	OutcomeOtherKey   Outcome = "other_key"

	OutcomeNoProof Outcome = "no_proof"
	OutcomeReplay  Outcome = "replay"
	OutcomeNonce   Outcome = "nonce"
	OutcomeProof   Outcome = "proof" // any other that is dpop.ErrProof

	OutcomeNoToken     Outcome = "no_token"
	OutcomeRequest     Outcome = "request"
	OutcomeUnavailable Outcome = "unavailable"
	OutcomeInvalid     Outcome = "invalid" // any other that is ErrInvalidToken
	OutcomeOther       Outcome = "other"   // an error that is not of this package
)

// outcomes names the errors. The general ones come after those that wrap them.
var outcomes = []struct {
	err  error
	name Outcome
}{
	{ErrMalformed, OutcomeMalformed}, {ErrHeader, OutcomeHeader}, {ErrTyp, OutcomeTyp}, {ErrAlgorithm, OutcomeAlgorithm},
	{ErrIssuer, OutcomeIssuer}, {ErrAudience, OutcomeAudience}, {ErrExpired, OutcomeExpired}, {ErrNotYet, OutcomeNotYet},
	{ErrUnknownKey, OutcomeUnknownKey}, {ErrSignature, OutcomeSignature}, {ErrClaims, OutcomeClaims}, {ErrRevoked, OutcomeRevoked}, {ErrStatus, OutcomeStatus},
	{ErrBinding, OutcomeBinding}, {ErrBound, OutcomeBound}, {ErrUnbound, OutcomeUnbound}, {ErrOtherKey, OutcomeOtherKey},
	{ErrNoProof, OutcomeNoProof}, {ErrReplay, OutcomeReplay}, {ErrNonce, OutcomeNonce}, {dpop.ErrProof, OutcomeProof},
	{ErrNoToken, OutcomeNoToken}, {ErrRequest, OutcomeRequest}, {ErrUnavailable, OutcomeUnavailable},
	{ErrInsufficientScope, OutcomeScope}, {ErrInsufficientAuthentication, OutcomeAuthentication},
	{ErrInvalidToken, OutcomeInvalid},
}

// outcome is how an error is counted.
func outcome(err error) Outcome {
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o.name
		}
	}
	return OutcomeOther
}

// count tells the metrics what became of a token or request: accepted is how,
// unless err says otherwise.
func (v *Verifier) count(how Outcome, err error) {
	if err != nil {
		how = outcome(err)
	}
	v.metrics.Verified(how)
}

// Fetch is one request to the issuer.
type Fetch struct {
	Document Document
	// Waited says that the issuer was asked to hold the request until there is
	// something new: most of the time that it took is patience.
	Waited bool
	Took   time.Duration
	// Failed says that no answer came, or one that is neither 200 nor 304.
	// Whether an answer was of use, Health says.
	Failed bool
}

// Document is what is fetched, and may be a label too.
type Document string

// The documents.
const (
	DocumentMetadata Document = "metadata"
	DocumentKeys     Document = "keys"
	DocumentLists    Document = "status_lists" // which there are
	DocumentList     Document = "status_list"  // one of them
)

// get is fetch, and tells the metrics. What Close breaks off is not counted.
func (f fetcher) get(ctx context.Context, url, etag string, wait time.Duration) (answer, error) {
	began := f.now()
	a, err := f.fetch(ctx, url, etag, wait)
	if ctx.Err() == nil {
		f.metrics.Fetched(Fetch{Document: f.document, Waited: etag != "" && wait > 0, Took: since(f.now(), began), Failed: err != nil})
	}
	return a, err
}

// noMetrics counts nothing.
type noMetrics struct{}

func (noMetrics) Verified(Outcome) {}
func (noMetrics) Fetched(Fetch)    {}
