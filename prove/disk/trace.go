package disk

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
)

// Command is what to run a process under, so that file becomes a trace that
// Read understands.
func Command(file string) []string {
	return []string{"strace", "-f", "-y", "-xx", "-s", "16777216", "--seccomp-bpf", "-e", "signal=none",
		"--absolute-timestamps=format:unix,precision:ns", "-e", "trace=" + strings.Join(calls, ","), "-o", file}
}

// calls are all that can change a file or a name, or sync it.
var calls = []string{
	"open", "openat", "openat2", "creat", "link", "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "truncate",
	"write", "pwrite64", "ftruncate", "fsync", "fdatasync",
	"writev", "pwritev", "pwritev2", "fallocate", "sync_file_range", "copy_file_range", "sendfile", "splice", "sync", "syncfs",
}

// Event is one line of a trace: a call, its beginning or its end.
type Event struct {
	At         time.Time // when the call began or, for an end alone, returned
	thread     int
	name       string
	args       []string
	begin, end bool
	result     int64
	descriptor string // the path of the descriptor that was returned
}

// Syncs says whether the event is the end of a sync.
func (e Event) Syncs() bool { return e.end && (e.name == "fsync" || e.name == "fdatasync") }

// Read reads the trace of what happened under folder. Events of other places
// are left out.
func Read(r io.Reader, folder string) ([]Event, error) {
	lines := bufio.NewReaderSize(r, 1<<20)
	begun := map[int]Event{}
	var events []Event
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return events, nil // a line without an end was cut off by the kill
		}
		if err != nil {
			return nil, err
		}
		e, ok, err := parseLine(strings.TrimSuffix(line, "\n"), begun)
		if err != nil {
			return nil, fmt.Errorf("disk: line %d of the trace: %w", n, err)
		}
		if ok && e.under(folder) {
			events = append(events, e)
		}
	}
}

func parseLine(line string, begun map[int]Event) (e Event, ok bool, err error) {
	thread, rest, _ := strings.Cut(line, " ")
	at, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if e.thread, err = strconv.Atoi(thread); err != nil {
		return e, false, err
	}
	if e.At, err = parseTime(at); err != nil {
		return e, false, err
	}
	if strings.HasPrefix(rest, "+++") || strings.HasPrefix(rest, "---") {
		return e, false, nil
	}
	if resumed, isResumed := strings.CutPrefix(rest, "<... "); isResumed {
		before := begun[e.thread]
		delete(begun, e.thread)
		e.name, e.args, e.end = before.name, before.args, true
		_, tail, found := strings.Cut(resumed, " resumed>")
		if !found || before.name == "" {
			return e, false, fmt.Errorf("an end without a beginning: %.80s", rest)
		}
		return e, true, e.parseResult(tail)
	}
	name, rest, found := strings.Cut(rest, "(")
	if !found {
		return e, false, fmt.Errorf("not a call: %.80s", rest)
	}
	e.name, e.begin = name, true
	if args, unfinished := strings.CutSuffix(rest, " <unfinished ...>"); unfinished {
		e.args = strings.Split(args, ", ")
		begun[e.thread] = e
		return e, true, nil
	}
	at2 := strings.LastIndex(rest, ") = ")
	if i := strings.LastIndex(rest, ")  = "); at2 < 0 {
		at2 = i
	}
	if at2 < 0 {
		at2 = strings.LastIndex(rest, ")") // strace pads short calls with spaces
	}
	if at2 < 0 {
		return e, false, fmt.Errorf("a call without an end: %.80s", rest)
	}
	e.args, e.end = strings.Split(rest[:at2], ", "), true
	return e, true, e.parseResult(rest[at2:])
}

func parseTime(text string) (time.Time, error) {
	seconds, nanos, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	n, err := strconv.ParseInt(nanos, 10, 64)
	return time.Unix(s, n), err
}

// parseResult reads what follows the last argument: ") = 3</path>", with an
// error name after -1. A call that a kill cut short has "?".
func (e *Event) parseResult(tail string) error {
	_, text, found := strings.Cut(tail, "= ")
	if !found {
		return fmt.Errorf("no result: %.80s", tail)
	}
	text, _, _ = strings.Cut(text, " ")
	if text == "?" {
		e.result = -1
		return nil
	}
	number, _, _ := strings.Cut(text, "<")
	var err error
	if e.result, err = strconv.ParseInt(number, 10, 64); err != nil {
		return err
	}
	if strings.Contains(text, "<") {
		e.descriptor, err = descriptorPath(text)
	}
	return err
}

// descriptorPath reads the path out of 5<\x2f\x74>, decoded.
func descriptorPath(text string) (string, error) {
	_, rest, _ := strings.Cut(text, "<")
	coded, _, found := strings.Cut(rest, ">")
	if !found {
		return "", fmt.Errorf("no path: %.80s", text)
	}
	if !strings.HasPrefix(coded, `\x`) {
		return coded, nil // a socket, a pipe
	}
	raw, err := unhex(coded)
	return string(raw), err
}

func unhex(coded string) ([]byte, error) {
	return hex.DecodeString(strings.ReplaceAll(coded, `\x`, ""))
}

// text reads a string argument.
func text(arg string) ([]byte, error) {
	coded, found := strings.CutPrefix(arg, `"`)
	if !found {
		return nil, fmt.Errorf("not a string: %.80s", arg)
	}
	coded, found = strings.CutSuffix(coded, `"`)
	if !found {
		return nil, fmt.Errorf("a string that strace cut: %.80s", arg)
	}
	return unhex(coded)
}

// paths are what the call names: its files, or the file of its descriptor.
func (e Event) paths() ([]string, error) {
	at := func(folder, name int) (string, error) {
		raw, err := text(e.args[name])
		if err != nil || path.IsAbs(string(raw)) || folder < 0 {
			return path.Clean(string(raw)), err
		}
		dir, err := descriptorPath(e.args[folder])
		return path.Join(dir, string(raw)), err
	}
	pair := func(f1, n1, f2, n2 int) ([]string, error) {
		if len(e.args) <= n2 {
			return nil, fmt.Errorf("%s with %d arguments", e.name, len(e.args))
		}
		a, err := at(f1, n1)
		if err != nil {
			return nil, err
		}
		b, err := at(f2, n2)
		return []string{a, b}, err
	}
	switch e.name {
	case "sync":
		return nil, nil
	case "open", "creat", "unlink", "truncate":
		p, err := at(-1, 0)
		return []string{p}, err
	case "openat", "openat2", "unlinkat":
		p, err := at(0, 1)
		return []string{p}, err
	case "link", "rename":
		return pair(-1, 0, -1, 1)
	case "linkat", "renameat", "renameat2":
		return pair(0, 1, 2, 3)
	}
	p, err := descriptorPath(e.args[0])
	return []string{p}, err
}

func (e Event) under(folder string) bool {
	paths, err := e.paths()
	if err != nil {
		return true // play says what is wrong
	}
	for _, p := range paths {
		if p == folder || strings.HasPrefix(p, folder+"/") {
			return true
		}
	}
	return false
}
