package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime/debug"
	"time"

	"signet/data/kv/bolt"
)

// checkVariable makes the test binary check the store that it names, and
// nothing else.
const checkVariable = "SIGNET_PROVE_CHECK"

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// What reading a store may take: a file whose pages point in a circle would
// take all there is.
const (
	soundTime   = 20 * time.Second
	soundMemory = 4 << 30 // bytes of address space
)

// sound reads a whole store as its engine does, in a process of its own.
func sound(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, soundTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), checkVariable+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		line, _, _ := bytes.Cut(out, []byte("\n"))
		return fmt.Errorf("the store is not sound: %w: %.300s", err, line)
	}
	return nil
}

func checkStore(path string) int {
	debug.SetMaxStack(16 << 20)
	limitMemory(soundMemory)
	// To check is not to change: a journal stays for the next start.
	engine, err := bolt.Open(path, bolt.Options{ReadOnly: true, Logger: quiet})
	if err == nil {
		err = errors.Join(engine.Check(context.Background()), engine.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
