package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"signet/prove/child"
)

// tester has what a test has, for those who start what the engines stand on: it
// knows what is to be ended, and in which folder things are made.
type tester struct {
	dir    string
	ends   []func()
	failed []error
}

var _ child.T = (*tester)(nil)

// stopped is what a tester panics with, to end its caller.
type stopped struct{ error }

// try runs what may fail a test, and returns why it did: errLacks where a
// program is not installed.
func (t *tester) try(fn func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s, ok := p.(stopped)
			if !ok {
				panic(p)
			}
			err = s.error
		}
		err = errors.Join(append(t.failed, err)...)
		t.failed = nil
	}()
	fn()
	return nil
}

// end ends what was started, the last first.
func (t *tester) end() error {
	return t.try(func() {
		for _, fn := range slices.Backward(t.ends) {
			fn()
		}
		t.ends = nil
	})
}

func (t *tester) Helper()           {}
func (t *tester) Cleanup(fn func()) { t.ends = append(t.ends, fn) }
func (t *tester) Failed() bool      { return len(t.failed) > 0 }

// TempDir makes a folder in dir: it goes with it.
func (t *tester) TempDir() string {
	dir, err := os.MkdirTemp(t.dir, "engine")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (t *tester) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (t *tester) Errorf(format string, args ...any) {
	t.failed = append(t.failed, fmt.Errorf(format, args...))
}

func (t *tester) Fatal(args ...any) { panic(stopped{errors.New(fmt.Sprint(args...))}) }

func (t *tester) Fatalf(format string, args ...any) { panic(stopped{fmt.Errorf(format, args...)}) }

func (t *tester) Skip(args ...any) {
	panic(stopped{errLacks(strings.TrimPrefix(fmt.Sprint(args...), "SKIPPED: "))})
}

func (t *tester) Skipf(format string, args ...any) { t.Skip(fmt.Sprintf(format, args...)) }
