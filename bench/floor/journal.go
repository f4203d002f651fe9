package main

import "os"

const (
	recordSize  = 512     // about what a grant's record has
	journalSize = 8 << 20 // then it begins again
	mostAtOnce  = 1024
)

// journal is a file of records, written in groups: those that arrive while one
// group is on its way share the next. The file has its length from the start,
// so a sync has only the records to write.
type journal struct {
	file  *os.File
	queue chan entry
	at    int64
}

type entry struct {
	record [recordSize]byte
	done   chan error
}

func openJournal(path string) (*journal, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(make([]byte, journalSize)); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	j := &journal{file: f, queue: make(chan entry, mostAtOnce)}
	go j.run()
	return j, nil
}

// write returns once the record is on the disk.
func (j *journal) write(record [recordSize]byte) error {
	e := entry{record, make(chan error, 1)}
	j.queue <- e
	return <-e.done
}

func (j *journal) run() {
	var group []entry
	var out []byte
	for first := range j.queue {
		group, out = append(group[:0], first), append(out[:0], first.record[:]...)
		for len(group) < mostAtOnce && len(j.queue) > 0 {
			e := <-j.queue
			group, out = append(group, e), append(out, e.record[:]...)
		}
		err := j.commit(out)
		for _, e := range group {
			e.done <- err
		}
	}
}

func (j *journal) commit(out []byte) error {
	if j.at+int64(len(out)) > journalSize {
		j.at = 0
	}
	if _, err := j.file.WriteAt(out, j.at); err != nil {
		return err
	}
	j.at += int64(len(out))
	return datasync(j.file)
}
