package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"signet/data"
)

func person(n int) string {
	return fmt.Sprintf(`{"email":"p%d@example.com","password_hash":"$2b$04$%053d"}`+"\n", n, n)
}

func people(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(person(i))
	}
	return b.String()
}

func TestAnImportSaysHowFarItIs(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		file := people(400)
		var bytes []int64
		result, err := c.Import(t.Context(), strings.NewReader(file), func(e ImportEvent) { bytes = append(bytes, e.Bytes) })
		if err != nil || result != (ImportResult{Lines: 400, Added: 400}) {
			t.Fatalf("%+v, %v", result, err)
		}
		if len(bytes) < 400/importBatch || !slices.IsSorted(bytes) || bytes[len(bytes)-1] != int64(len(file)) {
			t.Errorf("it read %v of %d", bytes, len(file))
		}
		again, err := c.Import(t.Context(), strings.NewReader(file), func(ImportEvent) {})
		if err != nil || again != (ImportResult{Lines: 400, There: 400}) {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// Two lines of one person in one file are done in their order, however many
// are written at once.
func TestOfTwoLinesOfOnePersonTheFirstCounts(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		const persons = 60
		var file strings.Builder
		for i := range persons {
			file.WriteString(person(i))
			file.WriteString(strings.NewReplacer(`"p`+fmt.Sprint(i), `"P`+fmt.Sprint(i), "$2b", "$2y").Replace(person(i)))
		}
		var lines []int
		result, err := c.Import(t.Context(), strings.NewReader(file.String()), func(e ImportEvent) {
			for _, n := range e.Notes {
				lines = append(lines, n.Line)
			}
		})
		if err != nil || result != (ImportResult{Lines: 2 * persons, Added: persons, There: persons, Differ: persons}) {
			t.Errorf("%+v, %v", result, err)
		}
		for i, n := range lines {
			if n != 2*i+2 {
				t.Fatalf("these lines came second: %v", lines)
			}
		}
	})
}

func TestAnImportThatIsInterruptedSaysWhatItDidAndGoesOn(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		in, out := io.Pipe()
		defer in.Close()
		go func() { _, _ = io.WriteString(out, people(300)) }() // and then nothing
		last := ImportResult{}
		result, err := c.Import(ctx, in, func(e ImportEvent) {
			if last = e.Result; last.Lines >= 2*importBatch {
				interrupt()
			}
		})
		wantCode(t, err, Failed)
		if result != last || !strings.Contains(err.Error(), fmt.Sprintf("interrupted after %d lines: %d users were added", last.Lines, last.Added)) {
			t.Errorf("%+v, %v", result, err)
		}
		rest, err := c.Import(t.Context(), strings.NewReader(people(300)), func(ImportEvent) {})
		if err != nil || rest.There < last.Added || rest.There+rest.Added != 300 {
			t.Errorf("%+v after %+v, %v", rest, last, err)
		}
	})
}

func TestALineThatIsTooLongEndsAnImport(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		file := person(1) + `{"email":"` + strings.Repeat("x", importLine) + `"}` + "\n" + person(2)
		result, err := c.Import(t.Context(), strings.NewReader(file), func(ImportEvent) {})
		wantCode(t, err, Usage)
		if result.Added != 1 || !strings.Contains(err.Error(), "line 2 is longer") {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

func TestAFileThatCannotBeReadToItsEndIsNoWholeImport(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		broken := io.MultiReader(strings.NewReader(people(3)), brokenReader{})
		if result, err := c.Import(t.Context(), broken, func(ImportEvent) {}); err == nil {
			t.Errorf("%+v", result)
		}
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the disk broke") }

func TestABackupThroughTheControlIsWhole(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		if _, err := c.Import(t.Context(), strings.NewReader(people(500)), func(ImportEvent) {}); err != nil {
			t.Fatal(err)
		}
		for _, backup := range []func(context.Context, io.Writer) (data.BackupInfo, error){c.Backup, c.BackupUnread} {
			var copied strings.Builder
			info, err := backup(t.Context(), &copied)
			if err != nil || info.Users != 500 || info.Bytes != int64(copied.Len()) {
				t.Errorf("%+v of %d bytes, %v", info, copied.Len(), err)
			}
			if read, err := data.CheckBackup(strings.NewReader(copied.String())); err != nil || read != info {
				t.Errorf("read back: %+v, %v", read, err)
			}
		}
	})
}

func TestABackupThatIsInterruptedIsNone(t *testing.T) {
	bothWays(t, func(t *testing.T, s Services, c *Client) {
		if _, err := c.Import(t.Context(), strings.NewReader(people(500)), func(ImportEvent) {}); err != nil {
			t.Fatal(err)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		_, err := c.Backup(ctx, writerFunc(func(p []byte) (int, error) { interrupt(); return len(p), nil }))
		wantCode(t, err, Failed)
		_, err = c.Backup(t.Context(), writerFunc(func([]byte) (int, error) { return 0, errors.New("the disk is full") }))
		if err == nil || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("got %v", err)
		}
		if _, err := c.Keys(t.Context()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
