package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/address"
	"signet/idp/internal/config"
	"signet/idp/internal/control"
)

func copyCommand(env *environment) *cobra.Command {
	var c copying
	var asJSON, abandon bool
	cmd := &cobra.Command{
		Use:   "copy --from ADDRESS --to ADDRESS",
		Short: "Move the store to another engine, or to another place",
		Long: `Move the store, byte for byte, to another engine or another place. An address is
what  store  takes in the configuration; of the two, one may be left out, and is
the store of the configuration. The target must be empty.

The source is closed first: issuers that run on it stop by themselves, and
nothing opens it any more. Both sides are read again at the end and must have the
same SHA-256; only then the target can be opened. If the copy is cut off, run it
again, and it goes on; or give it up with --abandon, which opens the source again.
After it nobody has to sign in again, and every token goes on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c.env = env
			if c.config, err = env.load(); err != nil {
				return err
			}
			if abandon {
				return c.abandon(cmd.Context(), asJSON)
			}
			if err := c.run(cmd.Context()); err != nil {
				return err
			}
			if asJSON {
				return env.json(c.out)
			}
			c.show()
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&c.fromText, "from", "", "where the store is; the configured store unless set")
	cmd.Flags().StringVar(&c.toText, "to", "", "where it goes; the configured store unless set")
	cmd.Flags().BoolVar(&c.stopped, "stopped", false, "no issuer runs on the source: do not wait until all have stopped")
	cmd.Flags().BoolVar(&abandon, "abandon", false, "give up a copy that has not finished, and open its source again")
	return cmd
}

// moved is the outcome of a copy.
type moved struct {
	From address.Address `json:"from"`
	To   address.Address `json:"to"`
	data.CopyInfo
}

// copying is a copy on its way.
type copying struct {
	env              *environment
	config           config.Config
	fromText, toText string
	stopped          bool

	step data.CopyStep
	bar  *progressbar.ProgressBar
	size int64 // of the source, once it is known
	out  moved
}

func (c *copying) run(ctx context.Context) (err error) {
	if c.fromText == "" && c.toText == "" {
		return usagef("say where the store goes, with --to, or where it comes from, with --from")
	}
	if c.out.From, err = c.address("--from", c.fromText); err != nil {
		return err
	}
	if c.out.To, err = c.address("--to", c.toText); err != nil {
		return err
	}
	if c.out.From == c.out.To {
		return usagef("%s is both source and target", c.out.From)
	}
	from, err := c.openSource(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := c.openTarget(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close(), c.giveTarget()) }()
	defer c.clear()
	c.out.CopyInfo, err = data.Copy(ctx, from, to, data.CopyOptions{
		From: c.out.From.String(), To: c.out.To.String(), Settle: c.settle, Read: c.read, Now: c.env.now,
	})
	return c.explain(err)
}

// address reads one of the two. A password would be in the list of processes.
func (c *copying) address(flag, text string) (address.Address, error) {
	if text == "" {
		return c.config.StoreAddress(), nil
	}
	at, err := address.Parse(text)
	switch {
	case err != nil:
		return at, usagef("%s: %w", flag, err)
	case at.HasSecret():
		return at, usagef("%s: a password on a command line is there for everybody to see: leave it out and set PGPASSWORD or PGPASSFILE, "+
			"name a file as ?passfile=FILE, or leave %s out and let it be the store of the configuration", flag, flag)
	}
	return at, nil
}

// openSource makes no store where none is.
func (c *copying) openSource(ctx context.Context) (kv.Engine, error) {
	at := c.out.From
	if !at.Shared() {
		if _, err := os.Stat(at.Path()); errors.Is(err, fs.ErrNotExist) {
			return nil, &control.Error{Code: control.NoSuch, Message: "there is no store at " + at.String()}
		}
	}
	engine, err := openAddress(ctx, at, quiet)
	if errors.Is(err, kv.ErrInUse) {
		return nil, &control.Error{Code: control.InUse, Message: at.String() + " is held by an issuer or a command: stop it first"}
	}
	return engine, err
}

func (c *copying) openTarget(ctx context.Context) (kv.Engine, error) {
	if at := c.out.To; !at.Shared() {
		if err := makeFolder(filepath.Dir(at.Path())); err != nil {
			return nil, err
		}
	}
	return openAddress(ctx, c.out.To, quiet)
}

// giveTarget gives a file that root made to the owner of its folder.
func (c *copying) giveTarget() error {
	if path := c.out.To.Path(); path != "" {
		return giveFile(path, filepath.Dir(path))
	}
	return nil
}

// settle waits until every issuer on the source has stopped. They hear of the
// sign at once; one that does not is past its lease by then, and signs nothing.
func (c *copying) settle(ctx context.Context, signed time.Time) error {
	if !c.out.From.Shared() || c.stopped { // the lock of a file keeps everybody out
		return nil
	}
	until := signed.Add(c.config.Keys.Lease + c.config.Limits.Shutdown)
	wait := until.Sub(c.env.now())
	if wait <= 0 {
		return nil
	}
	c.env.notef("%s is closed; the copy begins %s, when every issuer on it has stopped (keys.lease, limits.shutdown)\n",
		c.out.From, relative(until, c.env.now()))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// read shows on a terminal how far each step is. How much there is to come
// nobody knows before the source was read once.
func (c *copying) read(step data.CopyStep, bytes int) {
	if step != c.step {
		c.clear()
		size := int64(-1)
		if step != data.CopyPairs && c.size > 0 {
			size = c.size
		}
		c.step, c.bar = step, c.env.progress(size, progressbar.OptionSetDescription(string(step)))
	}
	if step == data.CopyPairs {
		c.size += int64(bytes)
	}
	if c.bar != nil {
		_ = c.bar.Add(bytes)
	}
}

func (c *copying) clear() {
	if c.bar != nil {
		_ = c.bar.Clear()
	}
}

// explain gives what refuses a copy its exit code.
func (c *copying) explain(err error) error {
	switch {
	case errors.Is(err, data.ErrNoStore):
		return &control.Error{Code: control.NoSuch, Message: "there is no store at " + c.out.From.String()}
	case errors.Is(err, data.ErrMoved) && !errors.Is(err, data.ErrNotEmpty):
		return err
	case errors.Is(err, data.ErrNotEmpty):
		return &control.Error{Code: control.Refused, Message: fmt.Sprintf(
			"%s is not empty, and what is in it is no unfinished copy of this store; nothing was changed", c.out.To)}
	}
	return err
}

func (c *copying) show() {
	d := c.out.Digest
	c.env.printf("moved %s to %s: %s, %s, %s\n", c.out.From, c.out.To,
		count(d.Users, "user"), count(d.Grants, "grant"), count(d.Pairs, "record"))
	c.env.printf("both sides were read again: sha256 %s\n", d.SHA256)
	c.env.printf("set  store: %s  and start the issuers with the master key of before; %s cannot be opened any more\n", c.out.To, c.out.From)
}

// abandon opens the source again.
func (c *copying) abandon(ctx context.Context, asJSON bool) (err error) {
	if c.out.From, err = c.address("--from", c.fromText); err != nil {
		return err
	}
	from, err := c.openSource(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	m, err := data.AbandonMove(ctx, from)
	switch {
	case errors.Is(err, data.ErrNoMove):
		return &control.Error{Code: control.NoSuch, Message: fmt.Sprintf("no copy of %s is under way", c.out.From)}
	case err != nil:
		return err
	case asJSON:
		return c.env.json(map[string]any{"from": c.out.From, "to": m.Peer})
	}
	c.env.printf("%s can be opened again; what was copied to %s cannot, and goes when it is copied to again\n", c.out.From, m.Peer)
	return nil
}
