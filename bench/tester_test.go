package main

import (
	"errors"
	"slices"
	"testing"
)

func TestATesterEndsItsCallerAndSaysWhy(t *testing.T) {
	for _, c := range []struct {
		what  string
		do    func(*tester)
		want  string
		lacks bool
	}{
		{"nothing", func(*tester) {}, "", false},
		{"a failure", func(t *tester) { t.Fatalf("%s is broken", "it"); t.Errorf("not reached") }, "it is broken", false},
		{"a failure that lets it go on", func(t *tester) { t.Errorf("first"); t.Fatal("second") }, "first\nsecond", false},
		{"a program that is missing", func(t *tester) { t.Skipf("SKIPPED: %s is missing", "etcd") }, "etcd is missing", true},
	} {
		said := &tester{}
		err := said.try(func() { c.do(said) })
		got := ""
		if err != nil {
			got = err.Error()
		}
		var lacks errLacks
		if got != c.want || errors.As(err, &lacks) != c.lacks || said.Failed() {
			t.Errorf("%s: %q, failed still: %t", c.what, got, said.Failed())
		}
	}
}

func TestAPanicThatIsNoFailureGoesOn(t *testing.T) {
	defer func() {
		if recover() != "a fault" {
			t.Error("it was taken for a failure")
		}
	}()
	_ = (&tester{}).try(func() { panic("a fault") })
}

func TestWhatWasStartedLastEndsFirst(t *testing.T) {
	var ended []int
	x := &tester{}
	for i := range 3 {
		x.Cleanup(func() { ended = append(ended, i) })
	}
	if err := errors.Join(x.end(), x.end()); err != nil || !slices.Equal(ended, []int{2, 1, 0}) {
		t.Errorf("%v %v", ended, err)
	}
}
