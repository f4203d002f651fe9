//go:build browser

package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"signet/prove/child"
	"signet/prove/chrome"
)

var (
	bin      string          // the folder of the commands, built once
	chromium *chrome.Browser // one for all tests
)

func TestMain(m *testing.M) {
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
	if err := child.Build(context.Background(), dir, "signet/idp", "signet/resource/demo",
		"signet/examples/webapp", "signet/examples/spa", "signet/examples/cli"); err != nil {
		return 0, err
	}
	var stop func()
	if chromium, stop, err = chrome.Start(filepath.Join(dir, "profile")); err != nil {
		return 0, err
	}
	defer stop()
	return m.Run(), nil
}
