package signin

import (
	"fmt"
	"testing"
)

func BenchmarkReserve(b *testing.B) {
	th := newThrottle(Throttle{})
	guesses := make([]guess, 200_000) // twice of what is kept
	for i := range guesses {
		guesses[i] = stranger(fmt.Sprint(i), fmt.Sprint(i))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		_ = th.reserve(guesses[i%len(guesses)], noon)
		i++
	}
}

func BenchmarkSaveUnderAttack(b *testing.B) {
	th := newThrottle(Throttle{Free: 1})
	for i := range th.o.Counters {
		_ = th.reserve(stranger(fmt.Sprint(i), fmt.Sprint(i)), noon)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := th.save(noon); err != nil {
			b.Fatal(err)
		}
	}
}
