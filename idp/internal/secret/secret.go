package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// Env is the name in the environment that holds the text itself.
	Env = "SIGNET_MASTER_KEY"
	// Credential is the name of the systemd credential (systemd.exec(5)).
	Credential = "signet-master-key"
	// FileName is the name of the file in the state folder.
	FileName = "master.key"

	maxText = 4096
)

var (
	// ErrNone says that no place has a master key.
	ErrNone = errors.New("secret: no master key: set master_key_file or " + Env)
	// ErrExposed says that others than the owner may use the file.
	ErrExposed = errors.New("secret: others may read or change it")
)

// Places says where to look, in the order of the fields.
type Places struct {
	File      string   // master_key_file: if it is set, nothing else counts
	Environ   []string // as os.Environ: SIGNET_MASTER_KEY, then $CREDENTIALS_DIRECTORY
	StateFile string   // <state>/master.key

	// Owner is a user who may own the files, beside this one and root: whom
	// root acts for. Zero: nobody else.
	Owner int
}

// Found is a master key's text and where it was.
type Found struct {
	Text    []byte // without the white space around it
	From    string // for people: a path, or a name in the environment
	Created bool   // the file was made just now
	InState bool   // it lies beside the store, which production should not want
}

// String, GoString and LogValue say where the text was and keep it.
func (f Found) String() string       { return "master key from " + f.From }
func (f Found) GoString() string     { return f.String() }
func (f Found) LogValue() slog.Value { return slog.StringValue(f.String()) }

// Find looks for the text. When there is none, it makes StateFile with what
// create returns, mode 0600 and durable before it returns; a nil create gives
// ErrNone instead. If two processes create at once, both get the first's text.
func Find(p Places, create func() ([]byte, error)) (Found, error) {
	if p.File != "" {
		return p.read(p.File, true)
	}
	env := environ(p.Environ)
	if text, set := env[Env]; set {
		f := Found{Text: bytes.TrimSpace([]byte(text)), From: Env}
		if len(f.Text) == 0 {
			return Found{}, errors.New("secret: " + Env + " is set and empty; unset it or give it the key")
		}
		return f, nil
	}
	if dir := env["CREDENTIALS_DIRECTORY"]; dir != "" {
		// systemd guards this folder itself, and root may own what is in it.
		f, err := p.read(filepath.Join(dir, Credential), false)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	f, err := p.read(p.StateFile, true)
	if !errors.Is(err, fs.ErrNotExist) {
		f.InState = true
		return f, err
	}
	if create == nil {
		return Found{}, ErrNone
	}
	return p.makeFile(create)
}

// ReadFile reads a file that holds one secret and nothing else, without the
// white space around it. It must be a file that nobody but its owner may use.
func ReadFile(path string) ([]byte, error) {
	f, err := Places{}.read(path, true)
	return f.Text, err
}

func environ(pairs []string) map[string]string {
	env := map[string]string{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return env
}

// read reads a file that, if guarded, nobody but its owner may use.
func (p Places) read(path string, guarded bool) (Found, error) {
	// Not waiting: a named pipe is refused below, and not opened for ever.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Found{}, fmt.Errorf("secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat() // of what was opened, not of what the name means by now
	if err != nil {
		return Found{}, fmt.Errorf("secret: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Found{}, fmt.Errorf("secret: %s is not a file", path)
	}
	if guarded {
		if err := exposed(path, info, p.Owner); err != nil {
			return Found{}, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return Found{}, fmt.Errorf("secret: %w", err)
	}
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 || len(text) > maxText {
		return Found{}, fmt.Errorf("secret: %s holds no secret: it is empty or too large", path)
	}
	return Found{Text: trimmed, From: path}, nil
}

// makeFile writes the text beside its place and links it there, so that a
// crash leaves either nothing or all of it, and an older file always wins.
func (p Places) makeFile(create func() ([]byte, error)) (Found, error) {
	text, err := create()
	if err != nil {
		return Found{}, fmt.Errorf("secret: making the master key: %w", err)
	}
	created, err := writeOnce(p.StateFile, append(bytes.TrimSpace(text), '\n'))
	if err != nil {
		return Found{}, fmt.Errorf("secret: making the master key: %w", err)
	}
	f, err := p.read(p.StateFile, true)
	f.Created, f.InState = created, true
	return f, err
}

func writeOnce(path string, text []byte) (created bool, err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, FileName+".new-*") // O_EXCL, mode 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	} else if err == nil {
		created = true
	}
	d, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	return created, errors.Join(d.Sync(), d.Close())
}
