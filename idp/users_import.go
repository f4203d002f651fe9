package main

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"signet/idp/internal/control"
)

func usersImportCommand(env *environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Add users from elsewhere, with their bcrypt hashes",
		Long: `Add users from elsewhere: a JSON object a line, as in

  {"email":"ana@example.com","password_hash":"$2b$12$…","roles":["editor"],"email_verified":true}

with the members email and password_hash (bcrypt, cost 4 to 15), and if need be
roles, email_verified, disabled, id and profile: an object with the standard
claims of OpenID Connect, such as {"name":"Ana Silva","locale":"pt-BR"}. Users who are there already stay as they
are, so the same file may be imported again, after an interruption or with its
bad lines put right. FILE may be - for standard input.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, size, err := env.openInput(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			return env.ask(cmd.Context(), creating, func(s *session) error {
				i := &importing{env: env, bar: env.progress(size), asJSON: asJSON, notes: []control.ImportNote{}}
				result, err := s.Import(cmd.Context(), file, i.heard)
				return i.end(result, err)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// openInput opens a file, or standard input for "-"; the size is -1 where it
// is not known.
func (env *environment) openInput(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(env.in), -1, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, usageError{err}
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = usagef("%s is a folder", name)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// progress shows on a terminal how far something is, and nothing elsewhere.
func (env *environment) progress(size int64, more ...progressbar.Option) *progressbar.ProgressBar {
	w, ok := env.err.(*os.File)
	if !ok || !term.IsTerminal(int(w.Fd())) {
		return nil
	}
	return progressbar.NewOptions64(size, append([]progressbar.Option{progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth()}, more...)...)
}

// importing shows what an import says.
type importing struct {
	env    *environment
	bar    *progressbar.ProgressBar
	asJSON bool
	notes  []control.ImportNote
	more   int // notes that were not kept
}

// maxNotes bounds what is shown of a file that is wrong all over.
const maxNotes = 100

func (i *importing) heard(e control.ImportEvent) {
	for _, note := range e.Notes {
		if len(i.notes) < maxNotes {
			i.notes = append(i.notes, note)
		} else {
			i.more++
		}
	}
	if i.bar != nil {
		_ = i.bar.Set64(e.Bytes)
	}
}

func (i *importing) end(r control.ImportResult, err error) error {
	if i.bar != nil {
		_ = i.bar.Clear()
	}
	if i.asJSON {
		err = errors.Join(err, i.env.json(map[string]any{"result": r, "notes": i.notes, "notes_left_out": i.more}))
	} else {
		i.show(r)
	}
	if err == nil && r.Bad > 0 {
		return &control.Error{Code: control.Refused, Message: "some lines were refused; put them right and import the same file again: who is there stays as they are"}
	}
	return err
}

func (i *importing) show(r control.ImportResult) {
	for _, note := range i.notes {
		i.env.printf("line %d: %s\n", note.Line, note.Text)
	}
	if i.more > 0 {
		i.env.printf("and %s more like these\n", count(i.more, "line"))
	}
	i.env.printf("%s: %s added, %d there already, %d refused\n", count(r.Lines, "line"), count(r.Added, "user"), r.There, r.Bad)
	if r.Differ > 0 {
		i.env.printf("of those who were there, %d have another password than the file says; it stays\n", r.Differ)
	}
}
