//go:build browser

package browser_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
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
	if err := buildCommands(context.Background(), dir); err != nil {
		return 0, err
	}
	stop, err := startBrowser(filepath.Join(dir, "profile"))
	if err != nil {
		return 0, err
	}
	defer stop()
	return m.Run(), nil
}
