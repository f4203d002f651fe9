package data

import (
	"bytes"
	"testing"
	"time"

	"signet/data/kv/mem"
)

func BenchmarkChangeGrant(b *testing.B) {
	s := open(b, mem.New(), newClock())
	g := newGrant(b, s, newUser(b, s, "ann@example.com"), time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.ChangeGrant(b.Context(), g.ID, "", func(*Grant, User) Change { return Save }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseEmail(b *testing.B) {
	for _, text := range []string{"ann@example.com", "J\u00f6rg@B\u00fccher.example"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseEmail(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadBackup(b *testing.B) {
	s := open(b, mem.New(), newClock())
	u := newUser(b, s, "ann@example.com")
	for range 1000 {
		newGrant(b, s, u, time.Hour)
	}
	file, _ := backup(b, s)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadBackup(bytes.NewReader(file), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDrawClientSlot is what a token of a client's own costs the store.
func BenchmarkDrawClientSlot(b *testing.B) {
	c := newClock()
	s := open(b, mem.New(), c)
	b.ReportAllocs()
	for b.Loop() {
		drawOwn(b, s, "job", "api")
	}
}
