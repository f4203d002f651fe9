package nodes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"signet/data"
	"signet/idp/internal/trouble"
)

// silent is after how many rounds without a word a node is dead.
const silent = 6

// ErrClock says that this node's clock is not that of the others.
var ErrClock = errors.New("nodes: this node's clock differs from the others'")

// Options are what a Service is made of; all are needed.
type Options struct {
	Store  *data.Store
	Every  time.Duration // how often a node says that it is there
	Skew   time.Duration // by which any two clocks may differ
	Reads  int           // the newest form that this release reads
	Now    func() time.Time
	Logger *slog.Logger
}

// Service says that this node is there, and hears of the others.
type Service struct {
	o       Options
	self    data.Node
	talking trouble.Report
	looked  time.Time    // when the records were last read
	read    atomic.Int64 // the newest form that all nodes read

	mu     sync.Mutex // guards what follows
	others map[string]other
	off    error
	forms  forms
}

// other is a node, and how far its clock can be ahead of ours: it wrote after we
// had looked the last time, and before we saw it.
type other struct {
	data.Node
	seen        time.Time
	least, most time.Duration
}

// New makes a Service, and names this node.
func New(o Options) (*Service, error) {
	self, err := o.Store.NewNode()
	self.Reads = o.Reads
	return &Service{o: o, self: self, others: map[string]other{}, forms: newForms(o)}, err
}

// Ready says why this node should get no traffic, or nil.
func (s *Service) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.off
}

// Run says again and again that this node is there, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	changed, stop := s.o.Store.NodesChanged()
	defer stop()
	tick := time.NewTicker(s.o.Every)
	defer tick.Stop()
	for speak := true; ; {
		err := s.round(ctx, speak)
		s.talking.Note(ctx, s.o.Logger, "hearing of the other nodes", err)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = s.o.Store.DropNode(last, s.self.ID) // else it is dead in a while
			return nil
		case <-tick.C:
			speak = true
		case <-changed:
			speak = false
		}
	}
}

// round looks at the others and, where it is time to, speaks.
func (s *Service) round(ctx context.Context, speak bool) error {
	began := s.o.Now()
	list, err := s.o.Store.Nodes(ctx)
	if err != nil {
		return err
	}
	dead := s.hear(list, s.looked, s.o.Now())
	s.looked = began
	if !speak {
		return nil
	}
	self, err := s.o.Store.PutNode(ctx, s.self, dead)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.self = self
	return nil
}

// hear takes in what the nodes said. looked is when it was asked before.
func (s *Service) hear(list []data.Node, looked, now time.Time) (dead []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.others
	s.others = map[string]other{}
	for _, n := range list {
		if n.ID == s.self.ID {
			continue
		}
		o, there := known[n.ID]
		switch {
		case !there: // it may have been written long ago: it is ahead by this at least
			o = other{Node: n, seen: now, least: n.At.Sub(now), most: s.o.Skew}
		case !o.At.Equal(n.At):
			o = other{Node: n, seen: now, least: n.At.Sub(now), most: n.At.Sub(looked)}
		case now.Sub(o.seen) > silent*s.o.Every:
			dead = append(dead, n.ID)
			continue
		}
		s.others[n.ID] = o
		s.forms.seen(n.Reads, now)
	}
	s.read.Store(int64(s.forms.read(now)))
	was := s.off
	s.off = s.judge()
	if was == nil && s.off != nil {
		s.o.Logger.Error("this node gets no traffic: set its clock", "error", s.off)
	}
	if was != nil && s.off == nil {
		s.o.Logger.Info("this node's clock is that of the others again")
	}
	return dead
}

// judge holds the clock against the others'. The most of them are right; of two
// nodes that are alone, the one that was there first.
func (s *Service) judge() error {
	var off []other
	for _, o := range s.others {
		if o.least > s.o.Skew || o.most < -s.o.Skew {
			off = append(off, o)
		}
	}
	alone := len(s.others) == 1 && len(off) == 1
	if 2*len(off) <= len(s.others) || alone && (s.self.Rank == 0 || s.self.Rank < off[0].Rank) {
		return nil
	}
	by := off[0].least
	if by < 0 {
		by = off[0].most
	}
	return fmt.Errorf("%w: it is %s off from %d of %d, and keys.skew allows %s", ErrClock, by.Abs().Round(time.Millisecond), len(off), len(s.others), s.o.Skew)
}
