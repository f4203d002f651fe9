package bolt

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"signet/data/kv"
)

// BenchmarkUpdate reads and writes one record, as a refresh does.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			e := openNew(b)
			value := make([]byte, 300)
			value[0] = 1
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						key := strconv.AppendInt([]byte("grant/"), n%1000, 10)
						err := e.Update(context.Background(), func(tx kv.Tx) error {
							_, err := tx.Get(key)
							tx.Put(key, value)
							return err
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(e.Stats().Commits)/float64(b.N), "commits/op")
		})
	}
}

func BenchmarkView(b *testing.B) {
	e := openNew(b)
	if err := e.Update(b.Context(), write("k")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		err := e.View(context.Background(), func(r kv.Reader) error {
			_, err := r.Get([]byte("k"))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
