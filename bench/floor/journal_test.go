package main

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestWhatTheJournalAcknowledgedIsInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	const writers = 50
	for i := range writers {
		all.Go(func() {
			record := [recordSize]byte{1, byte(i)}
			if err := j.write(record); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	file, err := os.ReadFile(path)
	if err != nil || len(file) != journalSize {
		t.Fatalf("%d bytes, %v", len(file), err)
	}
	found := 0
	for i := range writers {
		if bytes.Contains(file[:writers*recordSize], []byte{1, byte(i), 0}) {
			found++
		}
	}
	if found != writers {
		t.Errorf("%d of %d records", found, writers)
	}
}
