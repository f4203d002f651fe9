package resourcetest_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"
)

// fakeT is a test that may fail.
type fakeT struct {
	testing.TB // nil: what is not here is not used
	failures   []string
	cleanups   []func()
}

func (f *fakeT) Helper()                  {}
func (f *fakeT) Cleanup(fn func())        { f.cleanups = append(f.cleanups, fn) }
func (f *fakeT) Context() context.Context { return context.Background() }
func (f *fakeT) Output() io.Writer        { return io.Discard }
func (f *fakeT) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}
func (f *fakeT) Fatal(args ...any)                 { f.Fatalf("%s", fmt.Sprint(args...)) }
func (f *fakeT) Fatalf(format string, args ...any) { f.Errorf(format, args...); runtime.Goexit() }

// run runs fn as a test, with its cleanups, and returns how it failed.
func run(fn func(t testing.TB)) (failures []string) {
	f := new(fakeT)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer f.end()
		fn(f)
	}()
	<-done
	return f.failures
}

func (f *fakeT) end() {
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.cleanups[i]()
	}
	f.cleanups = nil
}
