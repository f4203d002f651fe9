package control

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
)

// ImportResult counts the lines of an import.
type ImportResult struct {
	Lines  int `json:"lines"`  // that held something
	Added  int `json:"added"`  // new users
	There  int `json:"there"`  // users who were there already, left as they are
	Differ int `json:"differ"` // of these, those who have another password than the line
	Bad    int `json:"bad"`    // refused
}

// ImportNote says something about one line.
type ImportNote struct {
	Line int    `json:"line"`
	Text string `json:"text"`
	Bad  bool   `json:"bad"` // the line was refused
}

// ImportEvent is one line of the answer to an import: how far it is.
type ImportEvent struct {
	Result ImportResult `json:"result"`
	Bytes  int64        `json:"bytes"` // read so far
	Notes  []ImportNote `json:"notes,omitzero"`
	Done   bool         `json:"done,omitzero"`
	Error  *Error       `json:"error,omitzero"`
}

const (
	importBatch = 128     // lines that are written together, so that they share a commit
	importLine  = 1 << 16 // bytes
)

// Import sends lines of JSON, a user each, and calls progress for each answer.
// Each line is done or not, on its own. After an error the result counts what
// was acknowledged; the same lines may be sent again.
func (c *Client) Import(ctx context.Context, lines io.Reader, progress func(ImportEvent)) (ImportResult, error) {
	var last ImportResult
	answer, err := c.post(ctx, opImport, lines)
	if err != nil {
		return last, err
	}
	defer answer.Body.Close()
	d := jsontext.NewDecoder(answer.Body)
	for {
		var e ImportEvent
		if err := json.UnmarshalDecode(d, &e); err != nil {
			why := "the connection broke"
			if ctx.Err() != nil {
				why = "interrupted"
			}
			return last, errorf(Failed, "%s after %d lines: %d users were added, and maybe some of the next %d lines; import the same file again, what is there is passed over",
				why, last.Lines, last.Added, importBatch)
		}
		last = e.Result
		progress(e)
		if e.Error != nil {
			return last, e.Error
		}
		if e.Done {
			return last, nil
		}
	}
}

func (s *Services) importUsers(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	if err := rc.EnableFullDuplex(); err != nil {
		writeError(w, AsError(err))
		return
	}
	i := &importer{store: s.Store, in: &counter{w: io.Discard}, out: w, flush: rc.Flush}
	err := i.run(r.Context(), io.TeeReader(r.Body, i.in))
	if err != nil {
		s.failed(r.Context(), opImport, err)
		i.event.Error = AsError(err)
	} else {
		i.event.Done = true
	}
	_ = i.send()
	s.did(r.Context(), opImport, "lines", i.event.Result.Lines, "added", i.event.Result.Added)
}

// importer reads lines, and writes some together.
type importer struct {
	store *data.Store
	in    *counter // how much was read
	out   io.Writer
	flush func() error

	event ImportEvent
	batch []importing
	keys  map[string]bool // e-mails of the batch: two lines of one person are done one after the other
}

type importing struct {
	line    int
	user    data.User
	outcome data.Imported
	err     error
}

func (i *importer) run(ctx context.Context, r io.Reader) error {
	i.keys = map[string]bool{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, importLine)
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		if n == 1 {
			text = bytes.TrimPrefix(text, []byte("\uFEFF"))
		}
		if len(text) == 0 {
			continue
		}
		if err := i.line(ctx, n, text); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = errorf(Usage, "line %d is longer than %d bytes, which no user is; the lines before it are done, it and those after it are not", n+1, importLine)
		}
		return errors.Join(i.write(ctx), err)
	}
	return i.write(ctx)
}

func (i *importer) line(ctx context.Context, n int, text []byte) error {
	u, problem := parseImport(text)
	if problem == "" && i.keys[u.EmailKey] {
		if err := i.write(ctx); err != nil {
			return err
		}
	}
	i.event.Result.Lines++
	if problem != "" {
		i.refuse(n, problem)
		return nil
	}
	i.batch = append(i.batch, importing{line: n, user: u})
	i.keys[u.EmailKey] = true
	if len(i.batch) < importBatch {
		return nil
	}
	return i.write(ctx)
}

func (i *importer) refuse(line int, problem string) {
	i.event.Result.Bad++
	i.event.Notes = append(i.event.Notes, ImportNote{Line: line, Text: problem, Bad: true})
}

// write does the lines that wait, at once so that the store commits them in
// groups, and tells how far it is.
func (i *importer) write(ctx context.Context) error {
	var doing sync.WaitGroup
	for k := range i.batch {
		doing.Go(func() {
			b := &i.batch[k]
			b.outcome, b.err = i.store.ImportUser(ctx, b.user)
		})
	}
	doing.Wait()
	var failed error
	for _, b := range i.batch {
		failed = errors.Join(failed, i.count(b))
	}
	i.batch = i.batch[:0]
	clear(i.keys)
	if failed != nil {
		return failed
	}
	return i.send()
}

// count returns an error that is not the line's fault.
func (i *importer) count(b importing) error {
	result := &i.event.Result
	switch {
	case errors.Is(b.err, data.ErrEmailTaken):
		i.refuse(b.line, b.user.Email+" is another user's: the ids differ; decide which of the two is right")
	case errors.Is(b.err, data.ErrIDTaken):
		i.refuse(b.line, "the id is another user's: drop it, and a new one is made")
	case b.err != nil && AsError(b.err).Code == Usage:
		i.refuse(b.line, AsError(b.err).Message)
	case b.err != nil:
		return b.err
	case b.outcome == data.ImportAdded:
		result.Added++
	case b.outcome == data.ImportDiffers:
		result.There++
		result.Differ++
		i.event.Notes = append(i.event.Notes, ImportNote{Line: b.line,
			Text: b.user.Email + " is there already with another password, which stays"})
	default:
		result.There++
	}
	return nil
}

func (i *importer) send() error {
	i.event.Bytes = i.in.n
	slices.SortFunc(i.event.Notes, func(a, b ImportNote) int { return cmp.Compare(a.Line, b.Line) })
	if err := json.MarshalWrite(i.out, &i.event); err != nil {
		return err
	}
	i.event.Notes = nil
	return i.flush()
}
