//go:build browser

package browser_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"signet/prove/child"
	"signet/prove/chrome"
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "signet-browser-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin = dir
	if err := child.Build(context.Background(), dir, "signet/idp", "signet/resource/demo"); err != nil {
		return 0, err
	}
	var stop func()
	if browser, stop, err = chrome.Start(filepath.Join(dir, "profile")); err != nil {
		return 0, err
	}
	defer stop()
	return m.Run(), nil
}
