package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

const revocationName = "revocation"

// The load of the revocations.
const (
	revocationServers = 3     // resource servers
	revocationRate    = 200.0 // requests a second to each of them, with good tokens
	revocationConns   = 8     // connections to each that those come by
	revocationGrants  = 64    // whose tokens are good
	revokers          = 4     // who revoke, one token after the other
)

// What is promised of a revocation: half of them are seen everywhere within so
// long, and all of them.
const (
	revocationMedian = 100 * time.Millisecond
	revocationWorst  = time.Second
)

// Revocations is what came out for tokens that were revoked beside a load of
// good ones.
type Revocations struct {
	Ways []Revoked
	Good load.Sample // requests with good tokens, to all servers
}

// Revoked is what came out for one way to revoke.
type Revoked struct {
	What string
	// Seen is how long it took from the issuer's answer to the revocation until
	// the last resource server had refused the token.
	Seen load.Sample
}

// revocations measures one issuer and resource servers in this process, each
// with a verifier and a port of its own.
func (b *bench) revocations(ctx context.Context) (Section, error) {
	stage, err := b.stage(ctx, "", loginRow.Settings)
	if err != nil {
		return nil, err
	}
	defer stage.end()
	if err := register(ctx, stage.Signet); err != nil {
		return nil, err
	}
	good, err := goodTokens(ctx, stage.Signet)
	if err != nil {
		return nil, err
	}
	servers, err := guards(stage, revocationServers)
	if err != nil {
		return nil, err
	}
	crew, err := newRevokers(ctx, stage, servers, b.f.revokes)
	if err != nil {
		return nil, err
	}
	calls := make([][]load.Call, len(servers))
	for i, g := range servers {
		if calls[i], err = g.calls(ctx, stage, good); err != nil {
			return nil, err
		}
	}
	loaded, calm := context.WithCancel(ctx)
	defer calm()
	samples := make(chan load.Sample, len(servers))
	for _, c := range calls {
		go func() { samples <- load.Open(loaded, c, revocationRate, longestLoad) }()
	}
	out, failed := revokeAll(ctx, crew)
	calm()
	for range servers {
		out.Good = load.Join(out.Good, <-samples)
	}
	return out, failed
}

// longestLoad bounds the load of good tokens, which ends with the revocations.
// It is less than a token lives.
const longestLoad = 5 * time.Minute

// goodTokens are the access tokens of many grants of the one person.
func goodTokens(ctx context.Context, p *issuer.Process) (good []string, err error) {
	for range revocationGrants {
		tokens, err := login(ctx, p)
		if err != nil {
			return nil, err
		}
		good = append(good, tokens.Access)
	}
	return good, nil
}

// revokeAll lets the revokers work, all at once.
func revokeAll(ctx context.Context, crew []*revoker) (*Revocations, error) {
	out := &Revocations{Ways: make([]Revoked, len(ways))}
	for i := range ways {
		out.Ways[i].What = ways[i].what
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	errs := make([]error, len(crew))
	for i, r := range crew {
		all.Go(func() {
			errs[i] = r.work(ctx, func(way int, seen time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				s := &out.Ways[way].Seen
				s.Latencies = append(s.Latencies, seen)
			})
		})
	}
	all.Wait()
	return out, errors.Join(append(errs, ctx.Err())...)
}

// all is every revocation, whatever way it came.
func (r *Revocations) all() load.Sample {
	var all load.Sample
	for _, w := range r.Ways {
		all = load.Join(all, w.Seen)
	}
	return all
}

// holds says whether the promise was kept, and no good token was refused.
func (r *Revocations) holds() bool {
	all := r.all()
	median, ok := all.Percentile(0.5)
	return ok && median < revocationMedian && worst(all) < revocationWorst && r.Good.Errors+r.Good.Busy == 0
}

func worst(s load.Sample) (d time.Duration) {
	for _, l := range s.Latencies {
		d = max(d, l)
	}
	return d
}

// good says how many requests with good tokens there were, and how many of them
// were not let through.
func (r *Revocations) good() string {
	n := len(r.Good.Latencies) + r.Good.Errors + r.Good.Busy
	return fmt.Sprintf("%d requests with good tokens, of which were refused or put off %s", n, failures(r.Good))
}

func (r *Revocations) write(out io.Writer) error {
	fmt.Fprintf(out, "\nRevocations, seen at %d resource servers; from the issuer's answer until the last of them has refused the token\n", revocationServers)
	w := newTable(out)
	fmt.Fprintln(w, "\trevoked by\tnumber\tmedian\tp99\tworst\t")
	for _, way := range r.ways() {
		fmt.Fprintf(w, "\t%s\t%d\t%s\t%s\t%s\t\n", way.What, len(way.Seen.Latencies),
			percentile(way.Seen, 0.5), percentile(way.Seen, 0.99), short(worst(way.Seen)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "  %s\n", r.good())
	return err
}

// ways are all ways, and at last all together.
func (r *Revocations) ways() []Revoked { return append(slices.Clone(r.Ways), Revoked{"all", r.all()}) }

func (r *Revocations) figures() any {
	type revoked struct {
		By     string   `json:"by"`
		Number int      `json:"number"`
		P50    *float64 `json:"p50_us,omitempty"`
		P99    *float64 `json:"p99_us,omitempty"`
		Worst  float64  `json:"worst_us"`
	}
	var doc struct {
		Ways []revoked `json:"ways"`
		Good figures   `json:"good_tokens"`
	}
	doc.Good = figuresOf(r.Good)
	for _, w := range r.ways() {
		f := figuresOf(w.Seen)
		doc.Ways = append(doc.Ways, revoked{w.What, f.Count, f.P50, f.P99, float64(worst(w.Seen)) / 1e3})
	}
	return doc
}

func (r *Revocations) claims() []Claim {
	all := r.all()
	return []Claim{{"revocations", fmt.Sprintf("median %s, worst %s; promised: under %s and %s, and no good token refused",
		percentile(all, 0.5), short(worst(all)), short(revocationMedian), short(revocationWorst)), r.holds()}}
}
