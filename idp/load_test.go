package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// BenchmarkLoad sends the requests of hotPaths by 16 connections at once, as
// clients do, and mixes them: the load to take a profile of, with -cpuprofile.
// RSA is not in it: it is all assembly, and would hide the rest.
//
// A build that is optimized by such a profile answered 1 to 2 % cheaper when it
// was tried, and compiles the standard library anew, so none is kept here.
func BenchmarkLoad(b *testing.B) {
	const conns, batch = 16, 20
	h := newHotHouse(b, noRSA)
	var mixed [][]byte
	for len(mixed) < b.N {
		for _, p := range hotPaths {
			if strings.HasSuffix(p.name, "RS256") {
				continue
			}
			for _, r := range p.requests(h, min(batch, b.N)) {
				var raw bytes.Buffer
				must(b, r.Write(&raw))
				mixed = append(mixed, raw.Bytes())
			}
		}
	}
	requests := make(chan []byte, len(mixed))
	for _, r := range mixed[:b.N] {
		requests <- r
	}
	close(requests)
	b.ResetTimer()
	var clients sync.WaitGroup
	for range conns {
		clients.Go(func() {
			if err := send(strings.TrimPrefix(h.url, "http://"), requests); err != nil {
				b.Error(err)
			}
		})
	}
	clients.Wait()
}

// send asks one after the other by one connection.
func send(address string, requests <-chan []byte) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	for r := range requests {
		if _, err := c.Write(r); err != nil {
			return err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return err
		}
	}
	return nil
}
