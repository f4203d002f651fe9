package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/idp/internal/config"
	"signet/idp/internal/control"
)

// environment is what the command gets from outside.
type environment struct {
	environ  []string
	in       *os.File
	out, err io.Writer
	clock    func() time.Time // time.Now unless set

	configPath     string
	configExplicit bool
	began          bool // a command was found and its line made sense
}

func (env *environment) now() time.Time {
	if env.clock == nil {
		return time.Now()
	}
	return env.clock()
}

// load reads the configuration. Whatever is wrong with it is a usageError.
func (env *environment) load() (config.Config, error) {
	c, err := config.Load(env.configPath, env.configExplicit, env.environ)
	if err == nil {
		err = checkSchedule(c)
	}
	if err != nil {
		return c, usageError{err}
	}
	return c, nil
}

func checkSchedule(c config.Config) error {
	err := keyConfig(c).Validate()
	if err == nil {
		return nil
	}
	var places strings.Builder
	for _, p := range append(c.SetUnder("keys."), c.SetUnder("tokens.access_ttl")...) {
		fmt.Fprintf(&places, "\n  %s: %s", p.Where, p.Key)
	}
	return fmt.Errorf("%s: the settings of keys do not fit together: %w%s", cmp.Or(c.File, "the configuration"), err, &places)
}

// printf speaks to people.
func (env *environment) printf(format string, args ...any) { fmt.Fprintf(env.out, format, args...) }

// notef says what is worth knowing and is not the answer.
func (env *environment) notef(format string, args ...any) { fmt.Fprintf(env.err, format, args...) }

// session is a way to the operations, through a running issuer or through a
// house of one's own.
type session struct {
	*control.Client
	house *house // nil: an issuer runs
}

// Close ends the session and lets the store go.
func (s *session) Close() error {
	err := s.Client.Close()
	if s.house != nil {
		err = errors.Join(err, s.house.Close())
	}
	return err
}

// opening says what a command does where there is no store yet.
type opening bool

const (
	existing opening = false // it has nothing to do
	creating opening = true  // it makes one
)

// tries is how often a command looks for the issuer that holds the store: one
// that starts takes the store first, and listens a moment later. Each try
// waits for the lock, too.
const tries = 3

// connect asks the running issuer, and opens the house where none runs.
func (env *environment) connect(ctx context.Context, how opening) (*session, error) {
	c, err := env.load()
	if err != nil {
		return nil, err
	}
	if err := checkFolder(c.State); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	socket := filepath.Join(c.State, controlFile)
	var unheard error
	for range tries {
		client, err := control.Dial(ctx, socket)
		if err == nil {
			return &session{Client: client}, nil
		}
		// An issuer that stops turns us away and then lets the store go.
		if unheard = err; !errors.Is(err, control.ErrNobody) && !errors.Is(err, control.ErrTurnedAway) {
			return nil, err
		}
		h, err := env.openQuietly(ctx, c, how)
		if err == nil {
			return &session{Client: control.Loopback(h.control(nil), h.logger), house: h}, nil
		}
		if !errors.Is(err, kv.ErrInUse) {
			return nil, err
		}
	}
	if errors.Is(unheard, control.ErrTurnedAway) {
		return nil, unheard
	}
	return nil, &control.Error{Code: control.InUse, Message: fmt.Sprintf(
		"another process holds the store in %s and does not listen at %s: another command is at work, or an issuer is starting or stopping; try again in a moment", storePlace(c), socket)}
}

// openQuietly opens the house for one command, which logs only what is wrong.
func (env *environment) openQuietly(ctx context.Context, c config.Config, how opening) (*house, error) {
	at := c.StoreAddress()
	_, err := os.Stat(at.Path())
	missing := !at.Shared() && errors.Is(err, fs.ErrNotExist)
	if missing && how == existing {
		return nil, noStore(c)
	}
	logger := slog.New(slog.NewTextHandler(env.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := openEngine(ctx, c, logger)
	if err != nil {
		return nil, err
	}
	if at.Shared() {
		if there, err := data.Exists(ctx, engine); err != nil {
			return nil, errors.Join(err, engine.Close())
		} else if missing = !there; missing && how == existing {
			return nil, errors.Join(noStore(c), engine.Close())
		}
	}
	h, err := openHouseOn(ctx, c, env.environ, env.now, logger, engine, engine)
	if err == nil && missing {
		env.notef("made a new store in %s; its master key is in %s\n", storePlace(c), h.master.From)
	}
	return h, err
}

func noStore(c config.Config) error {
	what := "folder"
	if !c.Store.IsZero() {
		what = "address"
	}
	return &control.Error{Code: control.NoSuch, Message: fmt.Sprintf(
		"there is no store in %s yet; idp makes one when it starts (or is this the wrong %s?)", storePlace(c), what)}
}

// storePlace says where the store is, in the words of the settings.
func storePlace(c config.Config) string {
	if c.Store.IsZero() {
		return c.State
	}
	return c.Store.String()
}

// ask runs do with a session.
func (env *environment) ask(ctx context.Context, how opening, do func(*session) error) (err error) {
	s, err := env.connect(ctx, how)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}
