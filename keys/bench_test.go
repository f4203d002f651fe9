package keys

import (
	"testing"
	"time"

	"signet/resource/token"
)

// The floor is the signature itself, by the same signer.
func BenchmarkSign(b *testing.B) {
	payload := make([]byte, 400)
	for _, alg := range []Alg{token.ES256, token.RS256, token.EdDSA} {
		r := mustOpen(b, testOptions(&memStore{}, time.Now, alg))
		s, err := r.Snapshot().Signer(alg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(alg)+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.key.sign(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/token", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := r.Snapshot().Signer(alg)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Sign("at+jwt", payload, time.Minute); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMAC(b *testing.B) {
	m, err := OpenMACs(b.Context(), testOptions(&memStore{}, time.Now, token.ES256))
	if err != nil {
		b.Fatal(err)
	}
	msg := make([]byte, 80)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := m.Sum(msg); err != nil {
			b.Fatal(err)
		}
	}
}
