package child

// T is what is asked of a *testing.T. A program that is no test, such as the
// bench, brings one of its own: it must not be made of package testing.
//
// Fatal, Fatalf and Skipf end the caller, and what Cleanup was given runs at the
// end, the last first.
type T interface {
	Helper()
	Cleanup(func())
	TempDir() string
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
	Skipf(format string, args ...any)
}
