package resource

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signet/resource/token"
)

func TestABitThatWasSeenOnceIsSeenForEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var known *listed
		var seen []byte // every bit of every list that was not refused
		for range rapid.IntRange(1, 20).Draw(t, "answers") {
			came := listed{StatusList: token.StatusList{
				Bits:     rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "bits"),
				IssuedAt: token.Date(rapid.IntRange(1, 5).Draw(t, "iat")),
			}}
			lacks := false
			for n, b := range seen {
				lacks = lacks || n < len(came.Bits) && b&^came.Bits[n] != 0
			}
			shrunk, older := len(came.Bits) < len(seen), known != nil && lacks && came.IssuedAt <= known.IssuedAt
			bits := append([]byte{}, came.Bits...)
			joined, err := joinBits(known, came)
			switch {
			case shrunk != errors.Is(err, errListShrunk), !shrunk && older != errors.Is(err, errOldCopy):
				t.Fatalf("%x dated %d after %x: %v", bits, came.IssuedAt, seen, err)
			case shrunk:
				continue
			}
			for n := range bits {
				if n < len(seen) {
					bits[n] |= seen[n]
				}
			}
			seen, known = bits, &joined
			if string(known.Bits) != string(seen) {
				t.Fatalf("known is %x, want %x", known.Bits, seen)
			}
		}
	})
}

// aMillion is a list of so many tokens, just heard. A thousand of them are
// revoked.
func aMillion() *statusList {
	o := defaults()
	o.logger = slog.New(slog.DiscardHandler)
	s := newFollower(nil, "https://id.example", o).lists
	l := &statusList{uri: "https://id.example/list"}
	l.watch = newWatch(s.from.crew, s.from.issuer, s.options, s.from.fetch, document[listed]{})
	bits := make([]byte, 1<<17)
	for n := range 1000 {
		index := n * 1048
		bits[index/8] |= 1 << (index % 8)
	}
	l.last.Store(&edition[listed]{value: listed{StatusList: token.StatusList{Bits: bits}}, confirmed: time.Now()})
	return l
}

func TestAskingForABitTakesNoMemory(t *testing.T) {
	l := aMillion()
	if n := testing.AllocsPerRun(1000, func() {
		if err := l.judge(t.Context(), 1<<20-1); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkJudge asks a list of a million tokens about one after the other.
func BenchmarkJudge(b *testing.B) {
	l, n := aMillion(), uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		n = n*1664525 + 1013904223
		if err := l.judge(b.Context(), n%(1<<20)); err != nil && err != ErrRevoked {
			b.Fatal(err)
		}
	}
}
